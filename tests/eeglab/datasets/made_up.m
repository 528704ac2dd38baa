function EEG = made_up(varargin)
% MADE_UP - a dataset of noise with events, for tests.
%
%   EEG = made_up('events', {'end', 100; 'rt', 250.25}, 'seconds', 10, ...)
%
% events are rows of type and latency, and a duration where there are three columns.
    options = struct('seed', 1, 'seconds', 10, 'srate', 128, 'subject', '', 'session', [], ...
        'run', [], 'task', '', 'events', {cell(0, 2)}, 'trials', 1, 'xmin', 0, ...
        'labels', {{'Fp1', 'Fp2', 'C3', 'C4', 'O1', 'O2', 'VEOG'}});
    for k = 1:2:numel(varargin)
        options.(varargin{k}) = varargin{k + 1};
    end
    EEG = eeg_emptyset();
    EEG.setname = 'made up';
    EEG.srate = options.srate;
    EEG.nbchan = numel(options.labels);
    EEG.pnts = round(options.seconds * options.srate);
    EEG.trials = options.trials;
    EEG.xmin = options.xmin;
    EEG.xmax = EEG.xmin + (EEG.pnts - 1) / EEG.srate;
    EEG.subject = options.subject;
    EEG.session = options.session;
    EEG.run = options.run;
    EEG.task = options.task;
    EEG.ref = 'common';
    EEG.datfile = '';
    rand('twister', options.seed); %#ok<RAND>
    EEG.data = single(100 * (rand(EEG.nbchan, EEG.pnts, EEG.trials) - 0.5));
    EEG.chanlocs = struct('labels', options.labels, 'type', 'EEG');
    [EEG.chanlocs(strcmp(options.labels, 'VEOG')).type] = deal('EOG');
    EEG.chaninfo = struct('plotrad', [], 'nosedir', '+X');
    EEG.etc = struct('eeglabvers', '2024.2');
    EEG.event = make_events(options.events, EEG);
end

function events = make_events(rows, EEG)
    events = struct('type', rows(:, 1)', 'latency', rows(:, 2)');
    if size(rows, 2) > 2
        [events.duration] = rows{:, 3};
    end
    for k = 1:numel(events)
        events(k).urevent = k;
        if EEG.trials > 1
            events(k).epoch = floor((events(k).latency - 0.5) / EEG.pnts) + 1;
        end
    end
end
