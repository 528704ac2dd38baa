function description = bidsdl_describe(EEG, study, has_hed, version)
% BIDSDL_DESCRIBE - dataset_description.json of the BIDS derivative of datasets.
%
% Usage:
%   >> description = bidsdl_describe(EEG, STUDY, has_hed, version);
%
% Inputs:
%   EEG     - one dataset, or an array of datasets
%   STUDY   - the STUDY of these datasets, or []
%   has_hed - true if the datasets have HED
%   version - HED version; '' for that of the source
%
% Output:
%   description - struct with the keys of BIDS 1.10. Licence, authors, HED version and DOI are those
%                 of EEG.BIDS.gInfo, else those of the BIDS folder the datasets were imported from.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    source = source_description(EEG, study);
    description = struct('Name', find_name(EEG, study, source), 'BIDSVersion', '1.10.0', ...
        'DatasetType', 'derivative');
    if ~isempty(version)
        description.HEDVersion = version;
    elseif has_hed && isfield(source, 'HEDVersion')
        description.HEDVersion = source.HEDVersion;
    end
    for key = {'License', 'Authors', 'Acknowledgements', 'HowToAcknowledge', 'Funding', ...
            'EthicsApprovals', 'ReferencesAndLinks'}
        if isfield(source, key{1})
            description.(key{1}) = source.(key{1});
        end
    end
    for key = {'Authors', 'Funding', 'EthicsApprovals', 'ReferencesAndLinks'} % lists in BIDS
        if isfield(description, key{1}) && ischar(description.(key{1}))
            description.(key{1}) = {description.(key{1})};
        end
    end
    description.GeneratedBy = {struct('Name', 'EEGLAB', 'Version', eeglab_version(EEG)), ...
        struct('Name', 'bids_dl', 'Version', bidsdl_version(), ...
        'Description', 'EEGLAB plug-in of bids_dl: datasets as they are in EEGLAB')};
    described = describe_source(source, find_root(EEG, study));
    if ~isempty(described)
        description.SourceDatasets = {described};
    end
end

function source = source_description(EEG, study)
% Return what is known of the source: EEG.BIDS.gInfo before the file of the BIDS folder.
    source = struct();
    root = find_root(EEG, study);
    file = fullfile(root, 'dataset_description.json');
    if ~isempty(root) && exist(file, 'file') == 2
        source = add_known(source, ...
            jsondecode(native2unicode(bidsdl_bytes(file), 'UTF-8')));
    end
    for k = numel(EEG):-1:1
        if isfield(EEG(k), 'BIDS') && isfield(EEG(k).BIDS, 'gInfo') && ...
                isstruct(EEG(k).BIDS.gInfo) && ~isempty(EEG(k).BIDS.gInfo)
            source = add_known(source, EEG(k).BIDS.gInfo);
        end
    end
end

function source = add_known(source, more)
% Set the fields that are not empty.
    for field = fieldnames(more)'
        if ~all_empty(more.(field{1}))
            source.(field{1}) = more.(field{1});
        end
    end
end

function found = all_empty(value)
% Return true for an empty value, and for a list of empty values.
    found = isempty(value) || (iscell(value) && all(cellfun(@isempty, value(:))));
end

function root = find_root(EEG, study)
% Return the BIDS folder that the first of the datasets with one was imported from.
    root = '';
    for k = 1:numel(EEG)
        if isempty(root)
            root = bidsdl_bidsroot(EEG(k), study);
        end
    end
end

function name = find_name(EEG, study, source)
% Name the derivative by its source, else by the STUDY, else by the first dataset.
    name = '';
    if isfield(source, 'Name')
        name = bidsdl_text(source.Name, '');
    end
    if isempty(name) && isfield(study, 'name')
        name = bidsdl_text(study.name, '');
    end
    if isempty(name)
        name = bidsdl_text(EEG(1).setname, 'EEG');
    end
    name = [strtrim(name) ', processed in EEGLAB'];
end

function version = eeglab_version(EEG)
% Return the version of EEGLAB that made the datasets, else the one that runs.
    version = '';
    if isfield(EEG(1), 'etc') && isfield(EEG(1).etc, 'eeglabvers')
        version = bidsdl_text(EEG(1).etc.eeglabvers, '');
    end
    if isempty(version) && exist('eeg_getversion', 'file')
        version = eeg_getversion();
    end
    if isempty(version)
        version = 'n/a';
    end
end

function described = describe_source(source, root)
% Describe the source by its DOI, else by its address, else by the name of its folder.
    described = [];
    if isfield(source, 'DatasetDOI')
        doi = regexprep(strtrim(source.DatasetDOI), '^(https?://(dx\.)?doi\.org/|doi:)', '');
        described = struct('DOI', ['doi:' doi], 'URL', ['https://doi.org/' doi]);
    elseif ~isempty(root)
        [unused, name, extension] = fileparts(root); %#ok<ASGLU>
        described = struct('Name', [name extension]);
    end
end
