function files = bidsdl_sidecars(root, name)
% BIDSDL_SIDECARS - events.json files of a BIDS dataset that apply to a recording, if one has HED.
%
% Usage:
%   >> files = bidsdl_sidecars(root, name);
%
% Inputs:
%   root - folder of the BIDS dataset, or ''
%   name - one name of BIDSDL_NAMES
%
% Output:
%   files - struct array with the fields path (in the folder to write) and bytes; empty if no
%           file has HED. A file applies if all entities of its name are those of the recording.
%
% See also: BIDSDL_HED

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    files = struct('path', {}, 'bytes', {});
    if isempty(root)
        return
    end
    level = ['sub-' name.subject '/'];
    levels = {'', level};
    if ~isempty(name.session)
        level = [level 'ses-' name.session '/'];
        levels{end + 1} = level;
    end
    levels{end + 1} = [level 'eeg/'];
    has_hed = false;
    for k = 1:numel(levels)
        listed = dir(fullfile(root, levels{k}, '*events.json'));
        for n = 1:numel(listed)
            if ~listed(n).isdir && applies(listed(n).name, name)
                bytes = bidsdl_bytes(fullfile(root, levels{k}, listed(n).name));
                has_hed = has_hed || ~isempty(strfind(char(bytes), '"HED"')); %#ok<STREMP>
                files(end + 1) = struct('path', [levels{k} own_name(listed(n).name, name)], ...
                    'bytes', bytes); %#ok<AGROW>
            end
        end
    end
    if ~has_hed
        files = files([]);
    end
end

function found = applies(file, name)
% Return true if all entities of a file's name are those of the recording.
    found = true;
    parts = strsplit(file, '_');
    for k = 1:numel(parts) - 1
        found = found && ~isempty(matching(parts{k}, name));
    end
end

function entity = matching(part, name)
% Return the entity of the recording that equals one of a file, numbers without leading zeros.
    entity = '';
    own = strsplit(name.stem, '_');
    for k = 1:numel(own)
        if strcmp(unpadded(own{k}), unpadded(part))
            entity = own{k};
        end
    end
end

function text = unpadded(entity)
% Remove the leading zeros of the label of an entity.
    text = regexprep(entity, '-0+(?=\d)', '-');
end

function file = own_name(file, name)
% Write the entities of a file's name as the recording has them.
    parts = strsplit(file, '_');
    for k = 1:numel(parts) - 1
        parts{k} = matching(parts{k}, name);
    end
    file = strjoin(parts, '_');
end
