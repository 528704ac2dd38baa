function text = bidsdl_list(items)
% BIDSDL_LIST - a list for a message: at most six items, then the number of the others.
%
% Usage:
%   >> text = bidsdl_list(items);
%
% Input:
%   items - vector of numbers, or cell array of texts
%
% Output:
%   text - '1, 2, 5'; '1, 2, 3, 4, 5, 6 and 4 more'
%
% Example:
%   >> bidsdl_list({'Fz', 'Cz'})
%   ans = Fz, Cz

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    limit = 6;
    if isnumeric(items)
        items = arrayfun(@(item) sprintf('%g', item), items, 'UniformOutput', false);
    end
    text = strjoin(items(1:min(limit, numel(items))), ', ');
    if numel(items) > limit
        text = sprintf('%s and %d more', text, numel(items) - limit);
    end
end
