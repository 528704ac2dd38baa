function found = bidsdl_isboundary(events)
% BIDSDL_ISBOUNDARY - events that mark a cut: type 'boundary', or the number -99.
%
% Usage:
%   >> found = bidsdl_isboundary(EEG.event);
%
% Input:
%   events - struct array with the field type; [] for a dataset without events
%
% Output:
%   found - logical row with one value per event
%
% See also: BIDSDL_EVENTS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    found = false(1, 0);
    if isempty(events)
        return
    end
    types = strtrim(bidsdl_texts({events.type}, ''))';
    found = strcmpi(types, 'boundary') | strcmp(types, '-99');
end
