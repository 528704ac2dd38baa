% Writes BIDS folders of made-up datasets whose HED is in each of EEGLAB's places, into $CASES.
top = getenv('CASES');
accent = char([195 169]);
sidecar = ['{"type": {"HED": {"1-back": "Sensory-event,Blue", "end": "Agent-action,Press",' ...
    ' "a/b": "Sensory-event,Red", "' accent '": "Sensory-event,Green", "S  1": "Yellow"}}}'];
rows = {'1-back', 100; 'end', 200; 'a/b', 300; accent, 400; 'S  1', 500};
plain = made_up('events', rows);
version = struct('hed_version', '8.3.0');

% 1: the field HED of the events, before etc.HED
EEG = with_hed(plain);
EEG.etc.HED = sidecar;
files = bidsdl_writebids(EEG, fullfile(top, 'events'), version);
emit('events', struct('places', {files.places}, 'warnings', {files.warnings}));

% 2: the sidecar of HEDTools in the dataset, of rows of text as MATLAB may keep it
EEG = plain;
EEG.etc.HED = sidecar;
files = bidsdl_writebids(EEG, fullfile(top, 'etc'), version);
emit('etc', struct('places', {files.places}, 'warnings', {files.warnings}, 'sidecar', sidecar));

% 2: the sidecar in the STUDY, where a dataset has another one of its own
ALLEEG = [made_up('events', rows, 'subject', 'A'), made_up('events', rows, 'subject', 'B')];
ALLEEG(2).etc.HED = strrep(sidecar, 'Blue', 'Purple');
STUDY = struct('name', '', 'etc', struct('HED', sidecar));
options = version;
options.study = STUDY;
files = bidsdl_writebids(ALLEEG, fullfile(top, 'in study'), options);
emit('in study', struct('places', {files.places}));

% 3: a sidecar that is named
named = fullfile(top, 'my sidecar.json');
bidsdl_bytes(named, sidecar);
options = version;
options.hed_sidecar = named;
files = bidsdl_writebids(plain, fullfile(top, 'named'), options);
emit('named', struct('places', {files.places}));

% 4: the BIDS folder that the dataset came from, whose columns have other names
source = fullfile(top, 'source');
bidsdl_bytes(fullfile(source, 'dataset_description.json'), ['{"Name": "Faces", ' ...
    '"BIDSVersion": "1.9.0", "HEDVersion": "8.3.0", "License": "CC0", "Authors": ["A. B."], ' ...
    '"DatasetDOI": "doi:10.18112/openneuro.ds000001.v1.0.0"}']);
bidsdl_bytes(fullfile(source, 'task-look_events.json'), strrep(sidecar, '"type"', '"trial_type"'));
bidsdl_bytes(fullfile(source, 'task-other_events.json'), '{"x": {"HED": {"a": "Red"}}}');
bidsdl_bytes(fullfile(source, 'sub-07', 'eeg', 'sub-07_task-look_run-02_events.json'), ...
    '{"rt": {"HED": "Label/#"}}');
EEG = made_up('events', rows, 'subject', 'sub-07', 'task', 'look', 'run', 2);
EEG.filepath = fullfile(source, 'derivatives', 'eeglab', 'sub-07', 'eeg');
EEG.BIDS = struct('eInfo', {{'onset', 'latency'; 'trial_type', 'type'}}, 'pInfo', ...
    {{'participant_id', 'age', 'sex'; 'sub-06', 20, 'F'; 'sub-07', 31.5, 'M'}}, ...
    'gInfo', struct('Name', '', 'ReferencesAndLinks', {{''}}));
files = bidsdl_writebids(EEG, fullfile(top, 'bids'));
emit('bids', struct('places', {files.places}, 'sets', {files.sets}));

% tags of old releases: refused, unless HED is not asked for
EEG = plain;
EEG.event(2).usertags = '/Event/Sensory';
message = failure(@() bidsdl_writebids(EEG, fullfile(top, 'old')));
options = struct('old_tags', 'ignore');
emit('old', struct('message', message, 'exists', exist(fullfile(top, 'old'), 'dir') == 7));
files = bidsdl_writebids(EEG, fullfile(top, 'ignored'), options);
emit('ignored', struct('places', {files.places}));
emit('keys', struct('keys', {bidsdl_keys(sprintf(['{"a\\"b": {"c": [1, {"d": "}"}]},\n' ...
    '"e" : "f:g", "h": ["i", "j"]}']))}));
