function options = bidsdl_typed(text)
% BIDSDL_TYPED - options that were typed as in a command, such as 'task', 'motion'.
%
% Usage:
%   >> options = bidsdl_typed(text);
%
% Inputs:
%   text    - [text] names and values with commas between, as in a call of a function
%
% Outputs:
%   options - [cell] the names and values
%
% See also: POP_BIDSDL_CONVERT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    options = {};
    text = strjoin(bidsdl_lines(text)', ' ');
    if isempty(text)
        return
    end
    try
        options = reshape(eval(['{' text '}']), 1, []);
    catch problem
        error('bidsdl:typed', ...
            'more options: %s; type names and values such as ''task'', ''rest''', ...
            problem.message);
    end
    if mod(numel(options), 2) ~= 0 || ~all(cellfun(@ischar, options(1:2:end)))
        error('bidsdl:typed', ...
            'more options: %s; type names and values in turn, such as ''task'', ''rest''', text);
    end
end
