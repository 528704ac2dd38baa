function text = bidsdl_text(value, missing)
% BIDSDL_TEXT - a value of EEGLAB as the text of a cell of a TSV file.
%
% Usage:
%   >> text = bidsdl_text(value);
%   >> text = bidsdl_text(value, missing);
%
% Inputs:
%   value   - a text, a number or a logical; a cell array with one of them
%   missing - text for an empty value and for NaN; default 'n/a'
%
% Output:
%   text - text in one line: tabs and line ends become blanks, numbers have up to 15 digits.
%          Several rows of text are joined by blanks. A matrix, a struct or an object of
%          another kind is refused.
%
% Example:
%   >> bidsdl_text(12.5)
%   ans = 12.5
%
% See also: BIDSDL_EVENTS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        missing = 'n/a';
    end
    if iscell(value) && numel(value) == 1
        value = value{1};
    end
    if isa(value, 'string') && numel(value) == 1
        value = char(value);
    end
    if isempty(value)
        text = missing;
    elseif ischar(value)
        rows = cellstr(value);
        text = regexprep(strjoin(rows(:)', ' '), '\r\n|[\t\r\n\v\f]', ' ');
        if size(value, 1) == 1
            text = regexprep(value, '\r\n|[\t\r\n\v\f]', ' '); % with its blanks at the end
        end
        if isempty(strtrim(text))
            text = missing;
        end
    elseif isscalar(value) && (isnumeric(value) || islogical(value)) && isreal(value)
        text = number_text(double(value), missing);
    else
        error('bidsdl:value', 'a value of class %s and size %s is no text and no number', ...
            class(value), mat2str(size(value)));
    end
end

function text = number_text(value, missing)
% Write a number with up to 15 digits, NaN as a missing value.
    if isnan(value)
        text = missing;
    else
        text = sprintf('%.15g', value);
    end
end
