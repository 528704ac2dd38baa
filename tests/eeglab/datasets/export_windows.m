% The window of pop_bidsdl_export, its command in the history, and its use without a window.
global WINDOWS DIALOGS
top = getenv('CASES');
rows = {'1-back', 100; 'end', 300.5; '1-back', 500; 'end', 700; '1-back', 900};
EEG = made_up('events', rows, 'subject', 'A');
before = EEG;
here = '''scheduler'', ''synchronous'''; % no processes of workers

prepare('cancel');
[outcome, com] = pop_bidsdl_export(EEG);
shown = WINDOWS{1}.shown;
emit('cancelled', struct('com', com, 'is_empty', isempty(outcome), 'by', shown.by, ...
    'classes', shown.classes, 'recipe', shown.recipe, 'title', WINDOWS{1}.title, ...
    'kind', shown.kind, 'first', shown.first, 'second', shown.second));

% the first answer has no name for the store: the window opens again with what was typed
dest = fullfile(top, 'typed = it''s.zarr');
prepare(struct('kind', 2, 'first', '-0.25', 'second', '0.5', 'more', here), ...
    struct('dest', dest));
[outcome, com] = pop_bidsdl_export(EEG);
first = WINDOWS{2}.shown.first;
emit('window', struct('com', com, 'outcome', outcome, 'again', first, ...
    'dialogs', {cellfun(@(dialog) dialog.text, DIALOGS, 'UniformOutput', false)}, ...
    'unchanged', isequal(EEG, before)));
movefile(dest, fullfile(top, 'window.zarr'));
eval(com);
movefile(dest, fullfile(top, 'eval.zarr'));

% epochs as they are, of a STUDY with HED in it
epochs = {'1-back', 33; 'end', 129; '1-back', 225};
EEG = [made_up('events', epochs, 'seconds', 0.75, 'trials', 3, 'xmin', -0.25, 'subject', 'A'), ...
    made_up('events', epochs, 'seconds', 0.75, 'trials', 3, 'xmin', -0.25, 'subject', 'B', ...
    'seed', 2)];
STUDY = struct('name', 'S', 'etc', struct('HED', ...
    '{"type": {"HED": {"1-back": "Blue", "end": "Red"}}}'), 'filepath', '', 'datasetinfo', ...
    struct('subject', {'A', 'B'}, 'group', {'x', 'y'}));
dest = fullfile(top, 'study.zarr');
prepare(struct('dest', dest, 'classes', sprintf('1-back = Blue\nend = Red'), 'split', '1', ...
    'more', ['''hed_version'', ''8.3.0'', ' here]));
[outcome, com] = pop_bidsdl_export(EEG, STUDY);
emit('study', struct('com', com, 'kind', WINDOWS{1}.shown.kind, 'by', WINDOWS{1}.shown.by, ...
    'n_windows', outcome.n_windows, 'bids', outcome.bids));
keep_truth(EEG(1), fullfile(top, 'study-1.f32'));
keep_truth(EEG(2), fullfile(top, 'study-2.f32'));

% a query that selects nothing: status 2, nothing is left
dest = fullfile(top, 'none.zarr');
message = failure(@() pop_bidsdl_export(EEG, dest, 'hed', {'x', 'Green'}, 'study', STUDY));
emit('refused', struct('message', message, 'left', exist(dest, 'dir') == 7 || ...
    exist(fullfile(top, 'none_bids'), 'dir') == 7));

% requests that are wrong without any conversion
wrong = {{}, {'event', {'type'}, 'window'}, {'event', {'type'}}};
one = before;
for k = 1:numel(wrong)
    emit(sprintf('wrong %d', k), struct('message', ...
        failure(@() pop_bidsdl_export(one, fullfile(top, 'w.zarr'), wrong{k}{:})), ...
        'left', exist(fullfile(top, 'w_bids'), 'dir') == 7));
end
emit('address', struct('message', failure(@() pop_bidsdl_export(one, 's3://bucket/a.zarr', ...
    'event', {'type'}, 'window', 1))));

% no dataset: a message, and no window
prepare();
[outcome, com] = pop_bidsdl_export(eeg_emptyset());
emit('no data', struct('com', com, 'dialog', DIALOGS{1}.text, 'n_windows', numel(WINDOWS)));

% two people, the channels of one in another order, and a third whose samples are not finite
A = made_up('events', {'go', 33}, 'seconds', 1, 'subject', 'A');
B = made_up('events', {'go', 33}, 'seconds', 1, 'subject', 'B', 'seed', 2);
C = made_up('events', {'go', 33}, 'seconds', 1, 'subject', 'C', 'seed', 3);
keep_truth(B, fullfile(top, 'other order.f32'));
B.data = B.data([3 1 2 5 4 7 6], :);
B.chanlocs = B.chanlocs([3 1 2 5 4 7 6]);
C.data(2, 40) = NaN;
outcome = pop_bidsdl_export([A B C], fullfile(top, 'failed.zarr'), 'event', {'type'}, ...
    'tmin', 0, 'tmax', 0.5, 'split', 1, 'scheduler', 'synchronous');
emit('failed', struct('outcome', outcome));
