function text = bidsdl_wrap(text, width)
% BIDSDL_WRAP - break long lines of a text at blanks.
%
% Usage:
%   >> text = bidsdl_wrap(text, width);
%
% Inputs:
%   text  - [text] may have line ends
%   width - [number] characters of a line; a longer word has a line of its own
%
% Outputs:
%   text  - [text] with more line ends. Blanks at the start of a line are kept.
%
% See also: BIDSDL_DIALOG

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    lines = regexp(text, '\n', 'split');
    for k = 1:numel(lines)
        lines{k} = wrap_line(lines{k}, width);
    end
    text = strjoin(lines, char(10)); %#ok<CHARTEN>
end

function wrapped = wrap_line(line, width)
% One line in lines of at most the width.
    indent = regexp(line, '^\s*', 'match', 'once');
    words = regexp(strtrim(line), '\s+', 'split');
    wrapped = [indent words{1}];
    used = numel(wrapped);
    for k = 2:numel(words)
        if used + 1 + numel(words{k}) > width
            wrapped = [wrapped char(10) indent words{k}]; %#ok<AGROW,CHARTEN>
            used = numel(indent) + numel(words{k});
        else
            wrapped = [wrapped ' ' words{k}]; %#ok<AGROW>
            used = used + 1 + numel(words{k});
        end
    end
end
