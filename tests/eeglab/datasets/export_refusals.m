% Datasets that are refused, each with a message and without a folder, and those with warnings.
top = getenv('CASES');
rows = {'square', 100; 'rt', 200.5};
A = made_up('events', rows, 'subject', 'A');
B = made_up('events', rows, 'subject', 'B');
epoched = made_up('events', {'square', 33; 'square', 129}, 'seconds', 0.75, 'trials', 2, ...
    'xmin', -0.25, 'subject', 'B');
bad = cell(0, 2);
bad(end + 1, :) = {'no data', eeg_emptyset()};
other = B;
other.srate = 256;
bad(end + 1, :) = {'rates', [A, other]};
other = B;
other.data = other.data([1 2 4 5 6 7], :);
other.nbchan = 6;
other.chanlocs = other.chanlocs([1 2 4 5 6 7]);
bad(end + 1, :) = {'channels', [A, other]};
other = A;
other.chanlocs(2).labels = '';
bad(end + 1, :) = {'labels', other};
other = A;
other.chanlocs(2).labels = 'C3';
bad(end + 1, :) = {'repeated', other};
other = A;
other.data = other.data(:, 1:end - 3);
bad(end + 1, :) = {'size', other};
other = A;
other.data = complex(double(other.data), 1);
bad(end + 1, :) = {'complex', other};
other = A;
other.srate = 0;
bad(end + 1, :) = {'no rate', other};
other = B;
other.subject = 'A.';
bad(end + 1, :) = {'subjects', [A, other]};
other.subject = 'sub-A';
bad(end + 1, :) = {'stems', [A, other]};
other.subject = '--';
bad(end + 1, :) = {'unnamed', [A, other]};
other = A;
bad(end + 1, :) = {'mixed', [other, epoched]};
later = epoched;
later.xmin = 0.1;
bad(end + 1, :) = {'time zero', later};
other = epoched;
other.subject = 'C';
other.pnts = 95;
other.data = other.data(:, 1:95, :);
bad(end + 1, :) = {'limits', [epoched, other]};
for k = 1:size(bad, 1)
    folder = fullfile(top, bad{k, 1});
    message = failure(@() bidsdl_writebids(bad{k, 2}, folder));
    emit(bad{k, 1}, struct('message', message, 'exists', exist(folder, 'dir') == 7 || ...
        exist([folder '.part'], 'dir') == 7));
end

% places that are not ours, and folders with other content
folder = fullfile(top, 'theirs');
bidsdl_bytes(fullfile(folder, 'notes.txt'), 'mine');
emit('theirs', struct('message', failure(@() bidsdl_writebids(A, folder, ...
    struct('overwrite', true))), 'exists', exist([folder '.part'], 'dir') == 7));
folder = fullfile(top, 'near');
bidsdl_bytes(fullfile([folder '.part'], 'notes.txt'), 'mine');
message = failure(@() bidsdl_writebids(A, folder));
emit('near', struct('message', message, 'exists', exist(folder, 'dir') == 7 || ...
    exist(fullfile([folder '.part'], 'notes.txt'), 'file') ~= 2));
folder = fullfile(top, 'changed $HOME "quoted" it''s');
bidsdl_writebids(A, folder);
changed = A;
changed.data(1) = changed.data(1) + 1;
message = failure(@() bidsdl_writebids(changed, folder));
files = bidsdl_writebids(changed, folder, struct('overwrite', true));
emit('changed', struct('message', message, 'written', files.written, ...
    'exists', exist([folder '.part'], 'dir') == 7, ...
    'mentions_study', failure(@() bidsdl_writebids(A, fullfile(top, 'few'), struct('study', ...
    struct('datasetinfo', struct('subject', {'A', 'B'})))))));

% what is marked, and not removed
EEG = A;
EEG.icaweights = eye(7);
EEG.icasphere = eye(7);
EEG.icawinv = eye(7);
EEG.icachansind = 1:7;
EEG.reject = struct('gcompreject', [0 1 0 0 1 0 0]);
EEG.data(7, :) = mean(EEG.data(1:6, :));
files = bidsdl_writebids(EEG, fullfile(top, 'flagged'));
emit('flagged', struct('warnings', {files.warnings}));
EEG = epoched;
EEG.reject = struct('rejmanual', [0 1], 'rejthresh', [], 'rejmanualE', zeros(7, 2));
EEG.data(3, 5, 1) = NaN;
EEG.event(3) = EEG.event(2);
files = bidsdl_writebids(EEG, fullfile(top, 'marked'));
emit('marked', struct('warnings', {files.warnings}));
EEG = epoched;
EEG.event = EEG.event(2);
files = bidsdl_writebids(EEG, fullfile(top, 'lacking'));
emit('lacking', struct('warnings', {files.warnings}));

% events before the first sample and after the last
EEG = made_up('events', {'early', -5; 'first', 0.5; 'square', 400; 'late', 5000});
files = bidsdl_writebids(EEG, fullfile(top, 'outside'));
SET = load('-mat', fullfile(files.folder, files.sets{1}));
table = strrep(files.sets{1}, '_eeg.set', '_events.tsv');
table = char(bidsdl_bytes(fullfile(files.folder, table)));
emit('outside', struct('warnings', {files.warnings}, 'types', {{SET.EEG.event.type}}, ...
    'rows', sum(table == 10) - 1));

% a disk without space: what was begun is removed
emit('full', struct('message', failure(@() bidsdl_bytes('/dev/full', 'abc'))));
EEG = made_up('events', {'square', 400});
EEG.ref = [1 2; 3 4]; % found while the folder is being written
message = failure(@() bidsdl_writebids(EEG, fullfile(top, 'halved')));
emit('halved', struct('message', message, ...
    'left', exist(fullfile(top, 'halved.part'), 'dir') == 7));
