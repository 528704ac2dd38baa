function EEG = bidsdl_addpredictions(EEG, table, recording)
% BIDSDL_ADDPREDICTIONS - add predictions to the events of a dataset.
%
% Usage:
%   >> EEG = bidsdl_addpredictions(EEG, table, recording);
%
% Inputs:
%   EEG       - [struct] dataset whose events have the field 'window' (from POP_BIDSDL_LOAD), or
%               one of the recordings of the store
%   table     - [struct] from BIDSDL_PREDICTIONS
%   recording - [text] recording of the store that the dataset is; '' to find it
%
% Outputs:
%   EEG       - [struct] dataset with more fields of events, or with more events
%
% See also: POP_BIDSDL_PREDICT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    place = find(strcmp(table.columns, 'window'), 1);
    columns = table.columns(place + 1:end);
    fields = name_fields(columns);
    values = table.cells(:, place + 1:end);
    if isfield(EEG.etc, 'bidsdl') && ~isempty(EEG.event) && isfield(EEG.event, 'window')
        if ~strcmp(EEG.etc.bidsdl.content, table.content)
            error('bidsdl:dataset', ['the windows of the dataset are those of another store' ...
                ' (%s); choose the store that they were loaded from'], EEG.etc.bidsdl.store);
        end
        EEG = label_windows(EEG, str2double(table.cells(:, place)), fields, values);
    else
        rows = bidsdl_findrecording(EEG, table, recording);
        EEG = add_events(EEG, table, rows, fields, values);
    end
    EEG = eeg_checkset(EEG, 'eventconsistency');
    EEG.saved = 'no';
end

function fields = name_fields(columns)
% Names of fields of events for columns: letters, digits and underscores, all different.
    fields = cell(size(columns));
    used = {'type', 'latency', 'duration', 'epoch', 'urevent', 'window'};
    for k = 1:numel(columns)
        name = regexprep(columns{k}, '[^A-Za-z0-9_]', '_');
        if isempty(regexp(name, '^[A-Za-z]', 'once'))
            name = ['x' name]; %#ok<AGROW>
        end
        name = name(1:min(end, 58));
        fields{k} = name;
        number = 1;
        while any(strcmpi(fields{k}, used))
            number = number + 1;
            fields{k} = sprintf('%s_%d', name, number);
        end
        used{end + 1} = fields{k}; %#ok<AGROW>
    end
end

function value = read_value(text)
% A number if the text is one, 1 or 0 for a truth value, '' for n/a, else the text.
    value = str2double(text);
    switch text
        case 'True', value = 1;
        case 'False', value = 0;
        case 'n/a', value = '';
        otherwise
            if isnan(value) && ~strcmpi(text, 'nan')
                value = text;
            end
    end
end

function EEG = label_windows(EEG, windows, fields, values)
% Predictions as fields of the event of each window.
    known = NaN(1, max(windows) + 1);
    known(windows + 1) = 1:numel(windows);
    for k = 1:numel(EEG.event)
        window = EEG.event(k).window;
        row = NaN;
        if isnumeric(window) && isscalar(window) && window >= 0 && window < numel(known)
            row = known(window + 1);
        end
        for m = 1:numel(fields)
            if isnan(row)
                EEG.event(k).(fields{m}) = '';
            else
                EEG.event(k).(fields{m}) = read_value(values{row, m});
            end
        end
    end
end

function EEG = add_events(EEG, table, rows, fields, values)
% An event for each window of a recording, of the type pred_<class>.
    onsets = str2double(table.cells(rows, strcmp(table.columns, 'onset')));
    durations = str2double(table.cells(rows, strcmp(table.columns, 'duration')));
    n_samples = EEG.pnts * EEG.trials;
    last = max(onsets + durations);
    if last * EEG.srate > n_samples + 1
        error('bidsdl:dataset', ['the recording of the store has windows up to %g s, but the' ...
            ' dataset ends at %g s; use the dataset that the store was made from'], ...
            last, n_samples / EEG.srate);
    end
    if EEG.trials == 1 && any(bidsdl_isboundary(EEG.event))
        fprintf(['BIDS-DL: the dataset has cuts (boundary events). The predictions are at the' ...
            ' right place only if the store was made from this dataset, not from the uncut' ...
            ' recording.\n']);
    end
    zero = 0;
    if EEG.trials > 1
        zero = round(-EEG.xmin * EEG.srate);
    end
    first = find(strcmp(fields, 'predicted'), 1);
    for k = 1:numel(rows)
        event = struct('latency', onsets(k) * EEG.srate + 1 + zero, ...
            'duration', durations(k) * EEG.srate);
        if EEG.trials > 1
            event.duration = 0;
            event.epoch = floor((event.latency - 1) / EEG.pnts) + 1;
        end
        event.type = 'pred';
        if ~isempty(first)
            event.type = ['pred_' values{rows(k), first}];
        end
        for m = 1:numel(fields)
            event.(fields{m}) = read_value(values{rows(k), m});
        end
        place = numel(EEG.event) + 1;
        names = fieldnames(event);
        for m = 1:numel(names)
            EEG.event(place).(names{m}) = event.(names{m});
        end
    end
end
