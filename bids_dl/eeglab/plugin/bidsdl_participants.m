function [rows, notes] = bidsdl_participants(EEG, names, study)
% BIDSDL_PARTICIPANTS - people of datasets as the rows of a BIDS participants.tsv.
%
% Usage:
%   >> [rows, notes] = bidsdl_participants(EEG, names, STUDY);
%
% Inputs:
%   EEG   - one dataset, or an array of datasets
%   names - their names (see BIDSDL_NAMES)
%   STUDY - the STUDY of these datasets, or []
%
% Outputs:
%   rows  - struct with the fields columns and cells, as BIDSDL_EVENTS has them
%   notes - cell array of texts: values that differ between datasets of a person
%
% The columns are those of EEG.BIDS.pInfo, else the fields of STUDY.datasetinfo, else the group of
% the dataset. Of a person with several datasets, the first value that is not empty is used.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    subjects = unique({names.subject}, 'stable');
    rows = struct('columns', {{'participant_id'}}, 'cells', ...
        {cellfun(@(label) ['sub-' label], subjects', 'UniformOutput', false)});
    notes = {};
    for k = 1:numel(EEG)
        row = find(strcmp(subjects, names(k).subject));
        values = person_values(EEG(k), names(k), study, k);
        for n = 1:size(values, 1)
            column = find(strcmp(rows.columns, values{n, 1}), 1);
            if isempty(column)
                rows.columns{end + 1} = values{n, 1};
                rows.cells(:, end + 1) = {'n/a'};
                column = numel(rows.columns);
            end
            if strcmp(rows.cells{row, column}, 'n/a')
                rows.cells{row, column} = values{n, 2};
            elseif ~any(strcmp(values{n, 2}, {'n/a', rows.cells{row, column}}))
                notes{end + 1} = sprintf(['participants.tsv: %s of sub-%s is %s, dataset %d ' ...
                    'has %s'], values{n, 1}, names(k).subject, rows.cells{row, column}, k, ...
                    values{n, 2}); %#ok<AGROW>
            end
        end
    end
    filled = [true, any(~strcmp(rows.cells(:, 2:end), 'n/a'), 1)];
    rows.columns = rows.columns(filled);
    rows.cells = rows.cells(:, filled);
end

function values = person_values(EEG, name, study, k)
% Return names and texts of what is known of the person of a dataset.
    values = table_values(EEG, name);
    if ~isempty(values)
        return
    end
    if isstruct(study) && isfield(study, 'datasetinfo') && numel(study.datasetinfo) >= k
        values = study_values(study.datasetinfo(k));
    end
    if isfield(EEG, 'group') && (isempty(values) || ~any(strcmp(values(:, 1), 'group')))
        values = [values; {'group', bidsdl_text(EEG.group)}];
    end
end

function values = table_values(EEG, name)
% Return the row of EEG.BIDS.pInfo for a person.
    values = cell(0, 2);
    if ~isfield(EEG, 'BIDS') || ~isfield(EEG.BIDS, 'pInfo') || size(EEG.BIDS.pInfo, 1) < 2
        return
    end
    table = EEG.BIDS.pInfo;
    key = find(strcmp(table(1, :), 'participant_id'), 1);
    if isempty(key)
        return
    end
    ids = cellfun(@(id) regexprep(regexprep(bidsdl_text(id), '^sub-', ''), '[^A-Za-z0-9]', ''), ...
        table(2:end, key), 'UniformOutput', false);
    row = find(strcmp(ids, name.subject), 1);
    for column = setdiff(1:size(table, 2), key)
        if ~isempty(row)
            values(end + 1, :) = {bidsdl_text(table{1, column}), ...
                bidsdl_text(table{row + 1, column})}; %#ok<AGROW>
        end
    end
end

function values = study_values(info)
% Return the scalar fields of STUDY.datasetinfo that describe a person and not a file.
    values = cell(0, 2);
    files = {'filepath', 'filename', 'subject', 'session', 'run', 'task', 'condition', 'index', ...
        'comps', 'trialinfo'};
    for field = setdiff(fieldnames(info)', files, 'stable')
        try
            values(end + 1, :) = {field{1}, bidsdl_text(info.(field{1}))}; %#ok<AGROW>
        catch problem
            if ~strcmp(problem.identifier, 'bidsdl:value')
                rethrow(problem);
            end
        end
    end
end
