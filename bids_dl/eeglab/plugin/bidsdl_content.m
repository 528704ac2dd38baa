function text = bidsdl_content(fig, tag)
% BIDSDL_CONTENT - show what a store has: windows, labels, people, channels, recipe.
%
% Usage:
%   >> text = bidsdl_content(store);
%   >> bidsdl_content(fig, tag);         % of the store in a field of a window, in a message box
%
% Inputs:
%   store - [text] the store
%   fig   - [handle] a window
%   tag   - [text] tag of the field
%
% Outputs:
%   text  - [text] what 'bids-dl info' prints
%
% See also: POP_BIDSDL_LOAD

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        text = describe(fig);
        return
    end
    store = strtrim(get(findobj(fig, 'tag', tag), 'string'));
    try
        if isempty(store)
            error('bidsdl:typed', 'store: the field is empty; choose the folder of a store first');
        end
        text = describe(store);
        fprintf('%s\n', text);
        bidsdl_dialog(text, 'BIDS-DL: content of the store');
    catch problem
        bidsdl_dialog(problem);
    end
end

function text = describe(store)
% Lines of 'bids-dl info' without the last, which is for Python.
    answer = bidsdl_run({'info', store});
    bidsdl_check(answer);
    text = strtrim(regexprep(answer.text, '\n\nstream = [^\n]*\s*$', ''));
    text = regexprep(text, '^(\S.*?) {2,}', '$1: ', 'lineanchors', 'dotexceptnewline');
end
