function written = bidsdl_replace(part, folder, overwrite)
% BIDSDL_REPLACE - put a finished BIDS folder in its place.
%
% Usage:
%   >> bidsdl_replace('', folder, overwrite);
%   >> written = bidsdl_replace(part, folder, overwrite);
%
% Inputs:
%   part      - the finished folder; '' only checks whether the place may be written to
%   folder    - its place
%   overwrite - true to replace a folder with other content
%
% Output:
%   written - false if the place already has the same files, byte by byte. These stay, so that an
%             interrupted conversion of them resumes.
%
% A folder that this plug-in has not written is never replaced.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    written = true;
    exists = exist(folder, 'dir') == 7 && ~isempty(list_files(folder));
    if exists && ~is_ours(folder)
        error('bidsdl:refused', ['%s: exists, and was not written by this plug-in; choose ' ...
            'another folder for BIDS'], folder);
    end
    if isempty(part)
        return
    end
    if exists
        if equal_folders(part, folder)
            written = false;
            bidsdl_remove(part);
            return
        elseif ~overwrite
            bidsdl_remove(part);
            error('bidsdl:refused', ['%s: exists with other content; choose another folder, or ' ...
                'replace it (tick ''Replace'' in the window, or give ''overwrite'', true)'], ...
                folder);
        end
    end
    if exist(folder, 'dir') == 7
        bidsdl_remove(folder);
    end
    move_folder(part, folder);
end

function found = is_ours(folder)
% Return true if the description of a folder says that this plug-in wrote it.
    file = fullfile(folder, 'dataset_description.json');
    found = exist(file, 'file') == 2 && ...
        ~isempty(strfind(char(bidsdl_bytes(file)), 'EEGLAB plug-in of bids_dl')); %#ok<STREMP>
end

function files = list_files(folder)
% List the files below a folder, relative to it, in order.
    files = {};
    listed = dir(folder);
    for k = 1:numel(listed)
        name = listed(k).name;
        if listed(k).isdir && ~any(strcmp(name, {'.', '..'}))
            inner = list_files(fullfile(folder, name));
            files = [files, cellfun(@(file) fullfile(name, file), inner, ...
                'UniformOutput', false)]; %#ok<AGROW>
        elseif ~listed(k).isdir
            files{end + 1} = name; %#ok<AGROW>
        end
    end
    files = sort(files);
end

function same = equal_folders(one, other)
% Return true if two folders have the same files with the same bytes.
    files = list_files(one);
    same = isequal(files, list_files(other));
    for k = 1:numel(files)
        same = same && equal_files(fullfile(one, files{k}), fullfile(other, files{k}));
    end
end

function same = equal_files(one, other)
% Compare two files in slices.
    handles = [fopen(one, 'r'), fopen(other, 'r')];
    same = all(handles >= 0);
    while same && ~feof(handles(1))
        parts = {fread(handles(1), 2^24, 'uint8=>uint8'), fread(handles(2), 2^24, 'uint8=>uint8')};
        same = isequal(parts{1}, parts{2});
    end
    for handle = handles(handles >= 0)
        fclose(handle);
    end
end

function move_folder(from, to)
% Rename a folder. Octave's movefile goes through a shell, which changes some names.
    if exist('OCTAVE_VERSION', 'builtin')
        [failed, reason] = rename(from, to);
        moved = ~failed;
    else
        [moved, reason] = movefile(from, to);
    end
    if ~moved
        error('bidsdl:file', '%s: cannot be renamed to %s (%s)', from, to, reason);
    end
end
