% Writes BIDS folders of made-up datasets, and their samples beside, into the folder $CASES.
top = getenv('CASES');

% continuous, with a cut at every kind of place, and event fields of every kind
events = { ...
    'boundary', 0.5, 10; ...        % at the first sample
    '1-back', 100, []; ...
    'end', 200.25, 0; ...           % a fraction of a sample
    'boundary', 260.5, 128; ...     % between events
    char([195 169]), 330, 64; ...   % a letter that is not ASCII, in UTF-8
    'boundary', 419.5, NaN; ...     % at an event
    '1-back', 420, 12.5; ...
    'boundary', 530.5, 1; ...       % two cuts, one sample between
    'boundary', 531.5, 1; ...
    'end', 600.75, 32; ...
    'boundary', 700.5, 5; ...       % two cuts at the same place
    'boundary', 700.5, 6; ...
    '1-back', 760, []; ...
    'end', 1000, 1; ...
    '1-back', 1200, []; ...         % the window ends with the recording
    'boundary', 1280.5, 3};         % after the last sample
EEG = made_up('events', events);
EEG.event(2).note = sprintf('a\tb\r\nc');
EEG.event(3).note = '"quoted" text';
EEG.event(5).note = '';
EEG.event(7).note = 'plain ';
EEG.event(7).onset = 3.25;
EEG.event(2).level = 0.1;
EEG.event(3).level = pi;
EEG.event(5).level = int16(-3);
EEG.event(7).level = true;
EEG.event(2).matrix = [1 2 3];
EEG.history = sprintf('EEG = pop_loadset(''a.set'');\nEEG = eeg_checkset(EEG);');
EEG = with_hed(EEG);
EEG.event(2).HED = '';
options = struct('hed_version', '8.3.0');
files = bidsdl_writebids(EEG, fullfile(top, 'continuous'), options);
keep_truth(EEG, fullfile(top, 'continuous.f32'));
save(fullfile(top, 'continuous.mat'), '-v6', 'EEG');
again = bidsdl_writebids(EEG, fullfile(top, 'continuous'), options);
emit('continuous', struct('sets', {files.sets}, 'warnings', {files.warnings}, ...
    'written', [files.written, again.written], 'types', {{EEG.event.type}}, ...
    'latencies', [EEG.event.latency]));

% epochs, with another event in some of them, and one whose event has a fraction of a sample
types = {'1-back', 'end', char([195 169])};
rows = cell(0, 3);
for k = 1:9
    rows(end + 1, :) = {types{mod(k, 3) + 1}, (k - 1) * 96 + 33, 4};
    if mod(k, 2)
        rows(end + 1, :) = {'end', (k - 1) * 96 + 80.5, 4};
    end
end
rows{3, 2} = rows{3, 2} + 0.25;
EEG = made_up('events', rows, 'seconds', 0.75, 'trials', 9, 'xmin', -0.25, 'seed', 2);
EEG = with_hed(EEG);
EEG.event(1).note = 'first';
EEG.event(1).level = 0.25;
files = bidsdl_writebids(EEG, fullfile(top, 'epoched'), options);
keep_truth(EEG, fullfile(top, 'epoched.f32'));
save(fullfile(top, 'epoched.mat'), '-v6', 'EEG');
emit('epoched', struct('sets', {files.sets}, 'warnings', {files.warnings}, 'span', files.span, ...
    'types', {types(mod(1:9, 3) + 1)}));

% a STUDY: two people with sessions and runs, the samples of some on disk
disk = fullfile(top, 'on disk');
mkdir(disk);
people = {'sub-S 01', 'S_02'};
ALLEEG = [];
STUDY = struct('name', 'two people', 'etc', struct(), 'filepath', '', 'datasetinfo', []);
for k = 1:8
    person = people{1 + (k > 4)};
    session = 1 + (mod(k - 1, 4) > 1);
    run = 2 - mod(k, 2);
    EEG = made_up('events', {'square', 200, 10; 'rt', 300 + k, 10}, 'seconds', 4, 'seed', 10 + k);
    EEG.setname = sprintf('dataset %d', k);
    keep_truth(EEG, fullfile(top, sprintf('study-%d.f32', k)));
    if mod(k, 2)
        EEG.filepath = disk;
        EEG.filename = sprintf('d%d.set', k);
        EEG.datfile = sprintf('d%d.fdt', k);
        keep_truth(EEG, fullfile(disk, EEG.datfile));
        EEG.data = EEG.datfile;
    end
    ALLEEG = [ALLEEG, EEG];
    info(k) = struct('subject', person, 'session', session, 'run', run, 'task', 'Look at it', ...
        'condition', '', 'group', 'control', 'index', k, 'comps', [], 'Age', 20 + (k > 4), ...
        'filepath', '', 'filename', '');
end
STUDY.datasetinfo = info;
files = bidsdl_writebids(ALLEEG, fullfile(top, 'study'), struct('study', STUDY));
emit('study', struct('sets', {files.sets}, 'warnings', {files.warnings}, ...
    'still_on_disk', ischar(ALLEEG(1).data)));

% numeric types, as of many amplifiers, and a trigger channel
EEG = made_up('events', {1, 100, []; 2, 300, []; 1, 700.5, []; 2, 1000, []}, 'seed', 3, ...
    'labels', {'Fp1', 'Fp2', 'Cz', 'STI'});
EEG.chanlocs(1).type = '';
EEG.chanlocs(2).type = 'eeg';
EEG.chanlocs(4).type = 'stim';
EEG.chanlocs(3).badchan = 1;
files = bidsdl_writebids(EEG, fullfile(top, 'numeric'));
keep_truth(EEG, fullfile(top, 'numeric.f32'));
emit('numeric', struct('sets', {files.sets}, 'warnings', {files.warnings}));
