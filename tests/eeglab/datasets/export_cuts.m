% One run for each place of a cut around an event, as one BIDS folder in $CASES.
top = getenv('CASES');
event = 64; % latency, with a fraction in every other run
RUNS = [];
latencies = [];
cuts = [];
for k = 1:26
    latencies(k) = event + 0.25 * mod(k, 2);
    cuts(k) = event - 12 + k - 0.5; % a boundary is half a sample before the first sample after it
    EEG = made_up('events', {'boundary', cuts(k), 7; 'go', latencies(k), 0}, 'seconds', 1, ...
        'subject', 'A', 'run', k, 'seed', k);
    [unused, order] = sort([EEG.event.latency]);
    EEG.event = EEG.event(order);
    RUNS = [RUNS, EEG];
end
RUNS(26).event(1).type = -99; % a cut as in datasets with numeric types
RUNS(26).event(2).type = 7;
bidsdl_writebids(RUNS, fullfile(top, 'cuts'));
emit('cuts', struct('latencies', latencies, 'cuts', cuts));

% windows that came from a store, exported again
if ~isempty(getenv('SET'))
    [folder, name, extension] = fileparts(getenv('SET'));
    EEG = pop_loadset('filename', [name extension], 'filepath', folder);
    files = bidsdl_writebids(EEG, fullfile(top, 'second'));
    emit('second', struct('span', files.span, 'warnings', {files.warnings}));
end
