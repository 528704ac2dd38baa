function bad = bidsdl_badchannels(EEG)
% BIDSDL_BADCHANNELS - channels of a dataset that are marked bad (chanlocs.badchan).
%
% Usage:
%   >> bad = bidsdl_badchannels(EEG);
%
% Input:
%   EEG - one dataset
%
% Output:
%   bad - logical row with one value per channel
%
% See also: BIDSDL_CHANNELS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    bad = false(1, EEG.nbchan);
    if isfield(EEG.chanlocs, 'badchan')
        for k = 1:EEG.nbchan
            value = EEG.chanlocs(k).badchan;
            bad(k) = isscalar(value) && (isnumeric(value) || islogical(value)) && value ~= 0;
        end
    end
end
