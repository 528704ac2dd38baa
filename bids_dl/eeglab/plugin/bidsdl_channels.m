function rows = bidsdl_channels(EEG)
% BIDSDL_CHANNELS - channels of a dataset as the rows of a BIDS channels.tsv.
%
% Usage:
%   >> rows = bidsdl_channels(EEG);
%
% Input:
%   EEG - one dataset
%
% Output:
%   rows - struct with the fields columns and cells, as BIDSDL_EVENTS has them
%
% The type is that of chanlocs, in BIDS's spelling, and n/a where there is none: bids-dl then takes
% electrodes of the 10-05 system as EEG. Unknown types become MISC. EEGLAB's unit is uV.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    known = {'AUDIO', 'ECG', 'EEG', 'EMG', 'EOG', 'EYEGAZE', 'GSR', 'HEOG', 'MISC', 'PPG', ...
        'PUPIL', 'REF', 'RESP', 'SYSCLOCK', 'TEMP', 'TRIG', 'VEOG'};
    voltages = {'n/a', 'ECG', 'EEG', 'EMG', 'EOG', 'HEOG', 'VEOG', 'REF'};
    others = {'EKG', 'ECG'; 'STIM', 'TRIG'; 'STI', 'TRIG'; 'TRIGGER', 'TRIG'};
    bad = bidsdl_badchannels(EEG);
    states = {'good', 'bad'};
    rows = struct('columns', {{'name', 'type', 'units', 'status'}}, ...
        'cells', {cell(EEG.nbchan, 4)});
    for k = 1:EEG.nbchan
        type = '';
        if isfield(EEG.chanlocs, 'type')
            type = upper(strtrim(bidsdl_text(EEG.chanlocs(k).type, '')));
        end
        spelled = find(strcmp(others(:, 1), type), 1);
        if isempty(type) || strcmp(type, 'N/A')
            type = 'n/a';
        elseif ~isempty(spelled)
            type = others{spelled, 2};
        elseif ~any(strcmp(known, type))
            type = 'MISC';
        end
        unit = 'n/a';
        if any(strcmp(voltages, type))
            unit = 'uV';
        end
        rows.cells(k, :) = {strtrim(bidsdl_text(EEG.chanlocs(k).labels)), type, unit, ...
            states{1 + bad(k)}};
    end
end
