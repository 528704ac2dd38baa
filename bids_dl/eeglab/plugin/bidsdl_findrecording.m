function rows = bidsdl_findrecording(EEG, table, recording)
% BIDSDL_FINDRECORDING - rows of a store that belong to the recording in a dataset.
%
% Usage:
%   >> rows = bidsdl_findrecording(EEG, table, recording);
%
% Inputs:
%   EEG       - [struct] dataset
%   table     - [struct] from BIDSDL_PREDICTIONS
%   recording - [text] the recording, as the store names it; '' to find it
%
% Outputs:
%   rows      - [numbers] rows of the table
%
% The recording is that whose file has the name of the dataset, or else the only one with the
% subject of the dataset, and with its session, task and run, as far as the dataset has them.
%
% See also: POP_BIDSDL_PREDICT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    keys = join_columns(table, {'dataset', 'recording'});
    names = read_column(table, 'recording');
    if ~isempty(recording)
        found = strcmp(names, recording) | strcmp(keys, recording);
        wanted = ['''' recording ''''];
    else
        found = find_by_name(EEG, names);
        if ~any(found)
            found = find_by_entities(EEG, table);
        end
        wanted = describe(EEG);
    end
    candidates = unique(keys(found));
    if numel(candidates) == 1
        rows = find(found);
        return
    end
    if isempty(candidates)
        candidates = unique(names);
        finding = 'no recording of the store matches';
    else
        finding = sprintf('%d recordings of the store match', numel(candidates));
    end
    error('bidsdl:dataset', '%s the dataset (%s); give the option recording one of: %s', ...
        finding, wanted, bidsdl_list(reshape(candidates, 1, [])));
end

function found = find_by_name(EEG, names)
% Rows of the recording whose file has the name of the dataset.
    stems = regexprep(names, '^.*/', '');
    [unused, file] = fileparts(EEG.filename); %#ok<ASGLU>
    found = strcmp(stems, regexprep(file, '_(eeg|ieeg|meg|nirs)$', ''));
    if ~any(found) && ~isempty(EEG.subject)
        own = bidsdl_names(EEG);
        found = strcmp(stems, own.stem);
    end
end

function found = find_by_entities(EEG, table)
% Rows with the subject of the dataset, and its session, task and run if it has them.
    found = true(size(table.cells, 1), 1);
    if isempty(strtrim(bidsdl_text(field_of(EEG, 'subject'), '')))
        found(:) = numel(unique(read_column(table, 'recording'))) == 1;
        return
    end
    prefixes = struct('subject', 'sub', 'session', 'ses', 'task', 'task', 'run', 'run');
    entities = fieldnames(prefixes);
    for k = 1:numel(entities)
        wanted = shorten(bidsdl_text(field_of(EEG, entities{k}), ''), prefixes.(entities{k}));
        if ~isempty(wanted) && any(strcmp(table.columns, entities{k}))
            values = cellfun(@(text) shorten(text, prefixes.(entities{k})), ...
                read_column(table, entities{k}), 'UniformOutput', false);
            found = found & strcmp(values, wanted);
        end
    end
end

function value = field_of(EEG, name)
% A field of a dataset, '' if it has none.
    value = '';
    if isfield(EEG, name)
        value = EEG.(name);
    end
end

function text = shorten(text, prefix)
% An entity without its prefix, other characters than letters and digits, and leading zeros.
    text = regexprep(strtrim(text), ['^' prefix '-'], '');
    text = regexprep(text, '[^A-Za-z0-9]', '');
    text = regexprep(text, '^0+(?=.)', '');
end

function values = read_column(table, name)
% Texts of a column.
    values = table.cells(:, strcmp(table.columns, name));
end

function keys = join_columns(table, names)
% Texts of several columns with / between. Columns that the table lacks are left out.
    keys = repmat({''}, size(table.cells, 1), 1);
    for k = 1:numel(names)
        if any(strcmp(table.columns, names{k}))
            keys = cellfun(@(key, text) [key '/' text], keys, read_column(table, names{k}), ...
                'UniformOutput', false);
        end
    end
    keys = regexprep(keys, '^/', '');
end

function text = describe(EEG)
% Entities of a dataset, for messages.
    parts = {};
    entities = {'subject', 'session', 'task', 'run'};
    for k = 1:numel(entities)
        value = strtrim(bidsdl_text(field_of(EEG, entities{k}), ''));
        if ~isempty(value)
            parts{end + 1} = [entities{k} ' ' value]; %#ok<AGROW>
        end
    end
    text = strjoin(parts, ', ');
    if isempty(parts)
        text = 'it has no subject, session, task or run';
    end
end
