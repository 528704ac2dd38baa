function names = bidsdl_names(EEG, study, task)
% BIDSDL_NAMES - BIDS names of datasets: subject, session, task and run.
%
% Usage:
%   >> names = bidsdl_names(EEG);
%   >> names = bidsdl_names(EEG, STUDY, task);
%
% Inputs:
%   EEG   - one dataset, or an array of datasets
%   STUDY - the STUDY of these datasets, or [] (default). Its datasetinfo is used where a dataset
%           itself has no subject, session, task, run or condition.
%   task  - task of datasets without one, or '' (default)
%
% Output:
%   names - struct array with the fields subject, session, task, run (labels without prefix, ''
%           without session or run) and stem ('sub-S01_ses-1_task-eeglab')
%
% A label is the field without its prefix ('sub-S01' -> 'S01') and without characters other than
% letters and digits. The task is that of the dataset, else the input, else its condition, else
% 'eeglab'. A single dataset without subject is 'sub-01'. Two subjects that become equal, two
% datasets with the same name, and several datasets without a subject are refused.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        study = [];
    end
    if nargin < 3
        task = '';
    end
    if isfield(study, 'datasetinfo') && numel(study.datasetinfo) ~= numel(EEG)
        error('bidsdl:refused', ['the STUDY has %d datasets, %d are given; give all ' ...
            'datasets of the STUDY in their order'], numel(study.datasetinfo), numel(EEG));
    end
    names = repmat(struct('subject', '', 'session', '', 'task', '', 'run', '', 'stem', ''), ...
        1, numel(EEG));
    subjects = cell(1, numel(EEG));
    for k = 1:numel(EEG)
        subjects{k} = strtrim(find_text(EEG(k), study, k, 'subject'));
        if numel(EEG) == 1 && isempty(subjects{k})
            subjects{k} = '01';
        end
        names(k).subject = make_label(subjects{k}, 'sub');
        names(k).session = make_label(find_text(EEG(k), study, k, 'session'), 'ses');
        names(k).run = make_label(find_text(EEG(k), study, k, 'run'), 'run');
        tasks = {find_text(EEG(k), study, k, 'task'), task, ...
            find_text(EEG(k), study, k, 'condition')};
        labels = [cellfun(@(text) make_label(text, 'task'), tasks, 'UniformOutput', false), ...
            {'eeglab'}];
        names(k).task = labels{find(~cellfun(@isempty, labels), 1)};
        names(k).stem = join_entities(names(k));
    end
    check_subjects(names, subjects);
    check_stems(names);
end

function text = find_text(EEG, study, k, field)
% Return a field of a dataset as text, else that of its entry in the STUDY.
    text = '';
    if isfield(EEG, field)
        text = bidsdl_text(EEG.(field), '');
    end
    if isempty(strtrim(text)) && isstruct(study) && isfield(study, 'datasetinfo') && ...
            numel(study.datasetinfo) >= k && isfield(study.datasetinfo, field)
        text = bidsdl_text(study.datasetinfo(k).(field), '');
    end
end

function label = make_label(text, prefix)
% Remove the prefix of an entity, and all characters but letters and digits.
    label = regexprep(strtrim(text), ['^' prefix '-'], '');
    label = regexprep(label, '[^A-Za-z0-9]', '');
end

function stem = join_entities(name)
% Join the entities of a file name, without those that are empty.
    stem = ['sub-' name.subject];
    if ~isempty(name.session)
        stem = [stem '_ses-' name.session];
    end
    stem = [stem '_task-' name.task];
    if ~isempty(name.run)
        stem = [stem '_run-' name.run];
    end
end

function check_subjects(names, subjects)
% Refuse datasets without a subject, and two subjects whose labels are equal.
    unnamed = find(cellfun(@isempty, {names.subject}));
    if ~isempty(unnamed)
        error('bidsdl:refused', ['%d of %d datasets have no subject with a letter or digit ' ...
            '(dataset %s); enter it in Edit > Dataset info or in the STUDY'], ...
            numel(unnamed), numel(names), bidsdl_list(unnamed));
    end
    originals = cellfun(@(text) regexprep(text, '^sub-', ''), subjects, 'UniformOutput', false);
    folded = lower({names.subject}); % because some file systems ignore case
    for k = 2:numel(names)
        same = find(strcmp(folded(1:k - 1), folded{k}), 1);
        if ~isempty(same) && ~strcmp(originals{same}, originals{k})
            error('bidsdl:refused', ['the subjects ''%s'' and ''%s'' (datasets %d and %d) both ' ...
                'become sub-%s; rename one of them in Edit > Dataset info'], ...
                subjects{same}, subjects{k}, same, k, names(same).subject);
        end
    end
end

function check_stems(names)
% Refuse two datasets with the same name.
    folded = lower({names.stem});
    for k = 2:numel(names)
        same = find(strcmp(folded(1:k - 1), folded{k}), 1);
        if ~isempty(same)
            error('bidsdl:refused', ['datasets %d and %d would both be %s; give them a ' ...
                'session, a run, a task or a condition in Edit > Dataset info or in the STUDY'], ...
                same, k, names(k).stem);
        end
    end
end
