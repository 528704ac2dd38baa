function keys = bidsdl_keys(text)
% BIDSDL_KEYS - keys of the outermost object of a JSON text, as they are written.
%
% Usage:
%   >> keys = bidsdl_keys(text);
%
% Input:
%   text - JSON of an object, such as a sidecar with HED
%
% Output:
%   keys - cell array of texts in order
%
% jsondecode can't be used for this, because it changes keys: 'S  1' becomes 'S1'.
%
% Example:
%   >> bidsdl_keys('{"type": {"HED": {"S  1": "Red"}}, "rt": {}}')
%   ans = {'type', 'rt'}
%
% See also: BIDSDL_HED

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    keys = {};
    [starts, stops] = regexp(text, '"(?:[^"\\]|\\.)*"', 'start', 'end');
    inside = false(1, numel(text) + 1);
    for k = 1:numel(starts)
        inside(starts(k):stops(k)) = true;
    end
    outside = [text ' '];
    outside(inside) = ' ';
    depth = cumsum(outside == '{' | outside == '[') - cumsum(outside == '}' | outside == ']');
    for k = 1:numel(starts)
        after = stops(k) + find(~isspace(text(stops(k) + 1:end)), 1);
        if depth(starts(k)) == 1 && ~isempty(after) && text(after) == ':'
            keys{end + 1} = text(starts(k) + 1:stops(k) - 1); %#ok<AGROW>
        end
    end
end
