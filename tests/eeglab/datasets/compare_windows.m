% Loads the exported windows $SET as EEGLAB does, and compares them with the dataset in $TRUTH.
[folder, name, extension] = fileparts(getenv('SET'));
WINDOWS = pop_loadset('filename', [name extension], 'filepath', folder);
WINDOWS = eeg_checkset(WINDOWS, 'eventconsistency');
content = load(getenv('TRUTH'));
EEG = content.EEG;
kept = ~strcmp({EEG.chanlocs.type}, 'EOG');
numbers = [EEG.event.urevent];
zero = round(-WINDOWS.xmin * WINDOWS.srate);
difference = 0;
shift = 0;
fields = {};
for k = 1:WINDOWS.trials
    event = WINDOWS.event(k);
    original = EEG.event(numbers == event.urevent_2);
    if EEG.trials > 1
        samples = EEG.data(kept, :, original.epoch);
    else
        start = floor(original.latency - 1 + 0.5) - zero;
        samples = EEG.data(kept, start + (1:WINDOWS.pnts));
    end
    difference = max(difference, max(max(abs(double(WINDOWS.data(:, :, k)) - double(samples)))));
    pairs = {event.type, original.type; event.HED, bidsdl_text(original.HED, ''); ...
        event.type_2, original.type; event.note, bidsdl_text(original.note); ...
        bidsdl_text(event.level), bidsdl_text(original.level); ...
        event.latency, (k - 1) * WINDOWS.pnts + zero + 1};
    for n = 1:size(pairs, 1)
        if ~isequal(pairs{n, :})
            fields{end + 1} = sprintf('event %d: %s', k, disp(pairs(n, :)));
        end
    end
    if EEG.trials == 1
        shift = max(shift, abs(event.event_onset * EEG.srate + 1 - original.latency));
    end
end
emit('windows', struct('difference', difference, 'shift', shift, 'unequal', {fields}, ...
    'n_windows', WINDOWS.trials, 'channels', {{WINDOWS.chanlocs.labels}}, ...
    'radius', [WINDOWS.chanlocs.radius], 'theta', [WINDOWS.chanlocs.theta]));
