function bidsdl_browse(fig, tag, kind)
% BIDSDL_BROWSE - choose a folder or a file, and write it into a field of a window.
%
% Usage:
%   >> bidsdl_browse(fig, tag, kind);
%
% Inputs:
%   fig  - [handle] the window
%   tag  - [text] tag of the field
%   kind - [text] 'folder', 'add folder' (one more line), 'new store' (a folder to write), or
%          the kind of a file such as '*.csv'
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_LOAD

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    field = findobj(fig, 'tag', tag);
    chosen = choose(kind);
    if isempty(chosen)
        return
    end
    if strcmp(kind, 'add folder')
        lines = [bidsdl_lines(get(field, 'string')); {chosen}];
        chosen = sprintf('%s\n', lines{:});
        chosen = chosen(1:end - 1);
    end
    set(field, 'string', chosen);
end

function chosen = choose(kind)
% Path that the person chooses, '' after Cancel.
    chosen = '';
    switch kind
        case {'folder', 'add folder'}
            folder = uigetdir(pwd, 'Choose a folder');
            if ischar(folder)
                chosen = folder;
            end
        case 'new store'
            [name, folder] = uiputfile('*.zarr', 'Name of the store');
            if ischar(name)
                chosen = fullfile(folder, name);
                if isempty(regexp(name, '\.zarr$', 'once'))
                    chosen = [chosen '.zarr'];
                end
            end
        otherwise
            [name, folder] = uigetfile(kind, 'Choose a file');
            if ischar(name)
                chosen = fullfile(folder, name);
            end
    end
end
