% EEGLAB's own recording, cleaned and cut into epochs by EEGLAB, as BIDS folders in $CASES.
top = getenv('CASES');
sample = fullfile(fileparts(which('eeglab')), 'sample_data');
EEG = pop_loadset('filename', 'eeglab_data.set', 'filepath', sample);
EEG = pop_select(EEG, 'nopoint', [5000 6000; 12000 12001]);
EEG = pop_eegfiltnew(EEG, 1, 40);
EEG.subject = 'S 1';
keep_truth(EEG, fullfile(top, 'continuous.f32'));
files = bidsdl_writebids(EEG, fullfile(top, 'continuous'));
emit('continuous', struct('types', {{EEG.event.type}}, 'latencies', [EEG.event.latency], ...
    'pnts', EEG.pnts, 'warnings', {files.warnings}, 'version', eeg_getversion(), ...
    'description', jsondecode(char(bidsdl_bytes(fullfile(top, 'continuous', ...
    'dataset_description.json'))))));

EPOCHS = pop_epoch(EEG, {'square', 'rt'}, [-0.5 1]);
EPOCHS = pop_rmbase(EPOCHS, [-500 0]);
keep_truth(EPOCHS, fullfile(top, 'epoched.f32'));
files = bidsdl_writebids(EPOCHS, fullfile(top, 'epoched'));
types = cell(1, EPOCHS.trials);
for k = 1:EPOCHS.trials
    at_zero = find([EPOCHS.epoch(k).eventlatency{:}] == 0, 1);
    types{k} = EPOCHS.epoch(k).eventtype{at_zero};
end
emit('epoched', struct('types', {types}, 'span', files.span, 'trials', EPOCHS.trials, ...
    'warnings', {files.warnings}));

% what EEGLAB itself makes of the files: the same samples and events
BACK = pop_loadset('filename', 'sub-S1_task-eeglab_eeg.set', 'filepath', ...
    fullfile(top, 'continuous', 'sub-S1', 'eeg'));
emit('set', struct('difference', max(abs(BACK.data(:) - EEG.data(:))), ...
    'events', isequal([BACK.event.latency], [EEG.event.latency]), ...
    'chanlocs', isequal([BACK.chanlocs.X], [EEG.chanlocs.X])));
