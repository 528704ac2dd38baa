function hed = bidsdl_hed(EEG, names, study, options)
% BIDSDL_HED - find the HED annotations of datasets in the places where EEGLAB keeps them.
%
% Usage:
%   >> hed = bidsdl_hed(EEG, names, STUDY, options);
%
% Inputs:
%   EEG     - one dataset, or an array of datasets
%   names   - their names (see BIDSDL_NAMES)
%   STUDY   - the STUDY of these datasets, or []
%   options - struct with the fields hed_sidecar (path of a JSON sidecar, or '') and old_tags
%             ('refuse' or 'ignore')
%
% Output:
%   hed - struct with the fields
%         places: where the HED of each dataset is from, 'events', 'etc', 'file', 'bids' or ''
%         keys:   columns that the sidecar of each dataset describes (cell array of cell arrays)
%         files:  struct array with the sidecars to write, fields path (in the BIDS folder), bytes
%         notes:  cell array of texts
%
% A sidecar that is named is used. Otherwise the first of these is used that has HED: the field HED
% of EEG.event; EEG.etc.HED, then STUDY.etc.HED (the JSON text of HEDTools); events.json of the BIDS
% folder that the dataset was imported from. Sidecars are copied to the byte, because jsondecode
% changes the names of their levels. A HED field of EEG.event is a column of events.tsv in any case.
% Datasets with tags of old releases (usertags, EEG.etc.tags) and no HED are refused.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    hed = struct('places', {cell(1, numel(EEG))}, 'keys', {cell(1, numel(EEG))}, ...
        'files', struct('path', {}, 'bytes', {}), 'notes', {{}});
    texts = cell(1, numel(EEG));
    for k = 1:numel(EEG)
        hed.keys{k} = {};
        hed.places{k} = '';
        [hed.places{k}, texts{k}, files] = find_annotations(EEG(k), names(k), study, options);
        if strcmp(hed.places{k}, 'bids')
            for n = 1:numel(files)
                hed.files = add_file(hed.files, files(n));
            end
            texts{k} = [files.bytes];
            hed.keys{k} = all_keys(files);
        elseif ~isempty(texts{k})
            hed.keys{k} = bidsdl_keys(char(texts{k}));
        end
        if isempty(hed.places{k}) && strcmp(options.old_tags, 'refuse')
            refuse_old_tags(EEG(k), k);
        end
        hed.notes = [hed.notes, notes_on(EEG(k), k, study, hed.places{k}, hed.keys{k})];
    end
    hed.files = place_sidecars(hed.files, texts, hed.places, names);
end

function [place, bytes, files] = find_annotations(EEG, name, study, options)
% Return the place of the HED of a dataset, and its sidecar.
    bytes = [];
    files = struct('path', {}, 'bytes', {});
    if ~isempty(options.hed_sidecar)
        place = 'file';
        bytes = bidsdl_bytes(options.hed_sidecar);
        if isempty(bidsdl_keys(char(bytes)))
            error('bidsdl:refused', ['%s: no JSON object with columns; name a sidecar such as ' ...
                'events.json of a BIDS dataset'], options.hed_sidecar);
        end
    elseif has_event_hed(EEG)
        place = 'events';
    elseif ~isempty(etc_text(EEG, study))
        place = 'etc';
        bytes = unicode2native(etc_text(EEG, study), 'UTF-8');
    else
        files = bidsdl_sidecars(bidsdl_bidsroot(EEG, study), name);
        place = '';
        if ~isempty(files)
            place = 'bids';
        end
    end
end

function found = has_event_hed(EEG)
% Return true if an event has HED of its own.
    found = isfield(EEG, 'event') && isfield(EEG.event, 'HED') && ...
        ~all(strcmp(bidsdl_texts({EEG.event.HED}), 'n/a'));
end

function text = etc_text(EEG, study)
% Return the sidecar of HEDTools in the dataset, else in the STUDY, '' without HED in it.
    text = '';
    for owner = {EEG, study}
        if isempty(text) && isfield(owner{1}, 'etc') && isfield(owner{1}.etc, 'HED')
            text = owner{1}.etc.HED;
            if ~ischar(text)
                error('bidsdl:refused', ['etc.HED is a %s, expected the JSON text of a ' ...
                    'sidecar; save the annotations again with HEDTools'], class(text));
            end
            text = reshape(text', 1, []);
            if isempty(strfind(text, '"HED"')) %#ok<STREMP>
                text = '';
            end
        end
    end
end

function refuse_old_tags(EEG, k)
% Refuse tags of HED's second generation, which no query can match.
    place = '';
    if isfield(EEG, 'etc') && isfield(EEG.etc, 'tags') && ~isempty(EEG.etc.tags)
        place = 'EEG.etc.tags';
    end
    for field = {'usertags', 'hedtags'}
        if isfield(EEG, 'event') && isfield(EEG.event, field{1}) && ...
                ~all(cellfun(@isempty, {EEG.event.(field{1})}))
            place = ['EEG.event.' field{1}];
        end
    end
    if ~isempty(place)
        error('bidsdl:refused', ['dataset %d: the tags in %s are of an old release of HED and ' ...
            'match no query; annotate the events again (Edit > Add/Edit event HED tags), name ' ...
            'a sidecar (''hed_sidecar''), or select by a column (''event'', {''type''})'], ...
            k, place);
    end
end

function notes = notes_on(EEG, k, study, place, keys)
% Say which other annotations are not used, and which columns of a sidecar are no event field.
    notes = {};
    unused = ~isempty(etc_text(EEG, study)) && ~strcmp(place, 'etc');
    if unused && strcmp(place, 'events')
        notes{end + 1} = sprintf(['dataset %d: HED is from EEG.event.HED; the sidecar in ' ...
            'etc.HED is not used'], k);
    elseif unused
        notes{end + 1} = sprintf(['dataset %d: HED is from the sidecar that you named; the one ' ...
            'in etc.HED is not used'], k);
    end
    if isempty(keys) || ~isstruct(EEG.event)
        return
    end
    known = [fieldnames(EEG.event)', {'HED'}];
    if isfield(EEG, 'BIDS') && isfield(EEG.BIDS, 'eInfo') && iscell(EEG.BIDS.eInfo)
        known = [known, EEG.BIDS.eInfo(:, 1)'];
    end
    if ~any(ismember(keys, known))
        notes{end + 1} = sprintf(['dataset %d: its sidecar describes %s, but its events have ' ...
            'none of these fields, only %s'], k, bidsdl_list(keys), ...
            bidsdl_list(fieldnames(EEG.event)'));
    end
end

function files = place_sidecars(files, texts, places, names)
% Add equal sidecars of a task once for the task, others beside their recordings.
    for k = find(~cellfun(@isempty, texts) & ~strcmp(places, 'bids'))
        same_task = find(strcmp({names.task}, names(k).task));
        if all(cellfun(@(bytes) isequal(bytes, texts{k}), texts(same_task)))
            path = ['task-' names(k).task '_events.json'];
        else
            path = [bidsdl_stempath(names(k)) '_events.json'];
        end
        files = add_file(files, struct('path', path, 'bytes', texts{k}));
    end
end

function files = add_file(files, file)
% Add a file, unless there is one with its path.
    if ~any(strcmp({files.path}, file.path))
        files(end + 1) = file;
    end
end

function keys = all_keys(files)
% Return the columns that several sidecars describe.
    keys = {};
    for k = 1:numel(files)
        keys = [keys, bidsdl_keys(char(files(k).bytes))]; %#ok<AGROW>
    end
    keys = unique(keys);
end
