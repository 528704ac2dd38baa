function files = bidsdl_writebids(EEG, folder, options)
% BIDSDL_WRITEBIDS - write datasets, as they are in EEGLAB now, to a BIDS derivative folder.
%
% Usage:
%   >> files = bidsdl_writebids(EEG, folder);
%   >> files = bidsdl_writebids(EEG, folder, options);
%
% Inputs:
%   EEG     - one dataset, or an array of datasets. Samples on disk are read one dataset at a time.
%   folder  - BIDS folder to write. One with the same content is kept.
%   options - struct with any of these fields:
%             study       - the STUDY of the datasets; default []
%             task        - task of datasets without one; default their condition, else 'eeglab'
%             hed_sidecar - JSON sidecar with HED; default: see BIDSDL_HED
%             hed_version - HED version; default that of the source
%             old_tags    - 'refuse' (default) datasets with tags of old releases of HED, or
%                           'ignore' these tags
%             overwrite   - true to replace a folder of this plug-in with other content
%
% Output:
%   files - struct with the fields
%           folder   - the BIDS folder
%           sets     - paths of the .set files, relative to it
%           span     - [tmin tmax] in s of the windows that are the epochs; [] if continuous
%           places   - where the HED of each dataset is from (see BIDSDL_HED)
%           warnings - cell array of texts
%           written  - false if the folder already had this content
%
% Everything is written to a folder beside, FOLDER.part, and renamed at the end. Datasets that one
% store can't hold are refused before anything is written.
%
% See also: POP_BIDSDL_EXPORT, BIDSDL_EVENTS, BIDSDL_UNEPOCH

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 3
        options = struct();
    end
    options = fill_options(options);
    bidsdl_checkdata(EEG);
    names = bidsdl_names(EEG, options.study, options.task);
    hed = bidsdl_hed(EEG, names, options.study, options);
    for k = 1:numel(EEG)
        bidsdl_unepoch(on_disk(EEG(k))); % refuses epochs without an event at time 0
    end
    folder = regexprep(folder, '[/\\]+$', '');
    bidsdl_replace('', folder, options.overwrite);
    files = struct('folder', folder, 'sets', {{}}, 'span', [], 'places', {hed.places}, ...
        'warnings', {hed.notes}, 'written', true);
    part = [folder '.part'];
    if exist(part, 'dir') == 7
        bidsdl_replace('', part, true); % refuses a folder that the plug-in has not written
        bidsdl_remove(part); % of a run that was interrupted
    end
    try
        files = write_all(EEG, part, names, hed, options, files);
    catch problem
        if exist(part, 'dir') == 7
            bidsdl_remove(part); % because the disk may be full
        end
        rethrow(problem);
    end
    files.written = bidsdl_replace(part, folder, options.overwrite);
end

function files = write_all(EEG, part, names, hed, options, files)
% Write all files of the folder, one dataset after the other.
    files.warnings = [files.warnings, write_dataset(EEG, part, names, hed, options)];
    for k = 1:numel(EEG)
        [files.span, notes] = write_recording(EEG(k), part, names(k), hed.keys{k});
        notes = cellfun(@(note) sprintf('dataset %d (%s): %s', k, names(k).stem, note), notes, ...
            'UniformOutput', false);
        files.warnings = [files.warnings, notes];
        files.sets{k} = [bidsdl_stempath(names(k)) '_eeg.set'];
    end
end

function options = fill_options(options)
% Add the defaults of options that are missing.
    defaults = struct('study', [], 'task', '', 'hed_sidecar', '', 'hed_version', '', ...
        'old_tags', 'refuse', 'overwrite', false);
    unknown = setdiff(fieldnames(options), fieldnames(defaults));
    if ~isempty(unknown)
        error('bidsdl:options', 'unknown option %s; there are %s', unknown{1}, ...
            strjoin(fieldnames(defaults)', ', '));
    end
    for field = fieldnames(defaults)'
        if ~isfield(options, field{1})
            options.(field{1}) = defaults.(field{1});
        end
    end
end

function EEG = on_disk(EEG)
% Return a dataset without its samples.
    EEG.data = '';
end

function notes = write_dataset(EEG, part, names, hed, options)
% Write the files of the folder that are not of one recording.
    description = bidsdl_describe(EEG, options.study, any(~cellfun(@isempty, hed.places)), ...
        options.hed_version);
    bidsdl_bytes(fullfile(part, 'dataset_description.json'), [jsonencode(description) char(10)]);
    [people, notes] = bidsdl_participants(EEG, names, options.study);
    bidsdl_tsv(fullfile(part, 'participants.tsv'), people);
    for k = 1:numel(hed.files)
        bidsdl_bytes(fullfile(part, hed.files(k).path), hed.files(k).bytes);
    end
end

function [span, notes] = write_recording(EEG, part, name, keys)
% Write the files of one dataset.
    EEG = bidsdl_load(EEG);
    notes = bidsdl_warnings(EEG);
    was_epoched = EEG.trials > 1;
    [EEG, span, epoch_notes] = bidsdl_unepoch(EEG);
    [EEG, outside] = drop_outside(EEG);
    notes = [notes, epoch_notes, outside];
    stem = fullfile(part, bidsdl_stempath(name));
    [rows, left_out] = bidsdl_events(EEG, keys);
    if ~isempty(left_out)
        notes{end + 1} = sprintf(['event fields with matrices or structs are left out of ' ...
            'events.tsv: %s'], bidsdl_list(left_out));
    end
    bidsdl_tsv([stem '_events.tsv'], rows);
    bidsdl_tsv([stem '_channels.tsv'], bidsdl_channels(EEG));
    bidsdl_bytes([stem '_eeg.json'], [jsonencode(describe_recording(EEG, name, was_epoched)) ...
        char(10)]);
    if isfield(EEG, 'history') && ~isempty(EEG.history)
        history = strjoin(cellfun(@(row) deblank(row), cellstr(EEG.history)', ...
            'UniformOutput', false), char(10));
        bidsdl_bytes(fullfile(part, 'code', [name.stem '_history.m']), [history char(10)]);
    end
    bidsdl_writeset(EEG, fileparts(stem), name.stem);
end

function [EEG, notes] = drop_outside(EEG)
% Leave out events before the first sample or after the last. Readers refuse a file with them.
    notes = {};
    if isempty(EEG.event)
        return
    end
    outside = cellfun(@(value) isnumeric(value) && isscalar(value) && ...
        (value < 0.5 || value > EEG.pnts + 1), {EEG.event.latency});
    if any(outside)
        notes = {sprintf(['%s with latencies outside of the %d samples are left out (event ' ...
            '%s)'], bidsdl_count(sum(outside), 'event'), EEG.pnts, bidsdl_list(find(outside)))};
        EEG.event = EEG.event(~outside);
    end
end

function description = describe_recording(EEG, name, was_epoched)
% Return the content of eeg.json: what EEG.BIDS.tInfo knows, and what the dataset says itself.
    description = struct();
    if isfield(EEG, 'BIDS') && isfield(EEG.BIDS, 'tInfo') && isstruct(EEG.BIDS.tInfo)
        description = EEG.BIDS.tInfo;
    end
    description.TaskName = name.task;
    description.SamplingFrequency = EEG.srate;
    description.RecordingDuration = EEG.pnts / EEG.srate;
    kinds = {'continuous', 'discontinuous'};
    has_cuts = ~isempty(EEG.event) && any(bidsdl_isboundary(EEG.event));
    description.RecordingType = kinds{1 + (was_epoched || has_cuts)};
    if ~isfield(description, 'EEGReference')
        description.EEGReference = bidsdl_text(EEG.ref);
    end
    for field = {'PowerLineFrequency', 'SoftwareFilters'}
        if ~isfield(description, field{1})
            description.(field{1}) = 'n/a';
        end
    end
end
