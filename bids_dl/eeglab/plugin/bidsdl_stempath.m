function path = bidsdl_stempath(name)
% BIDSDL_STEMPATH - path of a recording in a BIDS folder, without suffix: 'sub-1/eeg/sub-1_task-x'.
%
% Usage:
%   >> path = bidsdl_stempath(name);
%
% Input:
%   name - one name of BIDSDL_NAMES
%
% Output:
%   path - with '/' between folders
%
% See also: BIDSDL_NAMES

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    path = ['sub-' name.subject '/'];
    if ~isempty(name.session)
        path = [path 'ses-' name.session '/'];
    end
    path = [path 'eeg/' name.stem];
end
