function lines = bidsdl_lines(text)
% BIDSDL_LINES - lines of a text, as a field of a window returns it.
%
% Usage:
%   >> lines = bidsdl_lines(text);
%
% Inputs:
%   text  - [text or cell] one text with line ends, a matrix of characters (a line each row, as
%           MATLAB returns fields of several lines), or a cell of texts
%
% Outputs:
%   lines - [cell] column of the lines without blanks around. Empty lines are left out.
%
% See also: POP_BIDSDL_CONVERT

    if ischar(text)
        rows = cell(size(text, 1), 1);
        for k = 1:numel(rows)
            rows{k} = text(k, :);
        end
    elseif isempty(text)
        rows = {};
    else
        rows = text(:);
    end
    lines = cell(0, 1);
    for k = 1:numel(rows)
        parts = regexp(rows{k}, '[\r\n]+', 'split');
        for m = 1:numel(parts)
            part = strtrim(parts{m});
            if ~isempty(part)
                lines{end + 1, 1} = part; %#ok<AGROW>
            end
        end
    end
end
