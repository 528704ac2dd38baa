function [EEG, changed] = eeg_checkset(EEG, varargin)
% EEG_CHECKSET - stand-in for EEGLAB's check: loads data, sorts events, fills sizes and times.
    changed = '';
    for k = 1:numel(EEG)
        one = check_one(EEG(k), varargin{:});
        if k == 1
            checked = one;
        else
            checked(k) = one;
        end
    end
    if ~isempty(EEG)
        EEG = checked;
    end
end

function EEG = check_one(EEG, varargin)
    if any(strcmp(varargin, 'loaddata')) && ischar(EEG.data)
        file = fopen(fullfile(EEG.filepath, EEG.data), 'r', 'ieee-le');
        EEG.data = fread(file, [EEG.nbchan, EEG.pnts * EEG.trials], 'float32=>float32');
        fclose(file);
        EEG.data = reshape(EEG.data, EEG.nbchan, EEG.pnts, EEG.trials);
    end
    if ~ischar(EEG.data)
        [EEG.nbchan, EEG.pnts, EEG.trials] = size(EEG.data);
    end
    EEG.xmax = EEG.xmin + (EEG.pnts - 1) / EEG.srate;
    EEG.times = (EEG.xmin + (0:EEG.pnts - 1) / EEG.srate) * 1000;
    if any(strcmp(varargin, 'eventconsistency')) && ~isempty(EEG.event)
        [unused, order] = sort([EEG.event.latency]); %#ok<ASGLU>
        EEG.event = EEG.event(order);
    end
end
