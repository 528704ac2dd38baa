function [words, folder, settings] = bidsdl_exportoptions(dest, options, epoched)
% BIDSDL_EXPORTOPTIONS - options of POP_BIDSDL_EXPORT, parted by who uses them.
%
% Usage:
%   >> [words, folder, settings] = bidsdl_exportoptions(dest, options, epoched);
%
% Inputs:
%   dest     - [text] the store
%   options  - [cell] names and values in turn
%   epoched  - [logical] for each dataset, true if it has epochs
%
% Outputs:
%   words    - [cell] arguments of 'bids-dl convert'
%   folder   - [text] BIDS folder to write
%   settings - [struct] options of BIDSDL_WRITEBIDS
%
% Options that are missing are refused here, before anything is written.
%
% See also: POP_BIDSDL_EXPORT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    given = read_pairs(options);
    if isempty(strtrim(dest))
        error('bidsdl:options', 'the store has no name; give one such as squares.zarr');
    end
    if ~any(isfield(given, {'hed', 'event', 'whole'}))
        error('bidsdl:options', ['nothing is selected; give ''hed'' with a query for each ' ...
            'label, or ''event'', {''type''} for a class of each type of event']);
    end
    if ~any(epoched) && ~any(isfield(given, {'window', 'tmin'}))
        error('bidsdl:options', ['no windows; give ''window'' with a length in s, or ''tmin'' ' ...
            'and ''tmax'' around events']);
    end
    settings = struct('study', [], 'task', '', 'hed_sidecar', '', 'hed_version', '', ...
        'old_tags', 'refuse', 'overwrite', false);
    folder = '';
    if isfield(given, 'bids')
        folder = given.bids;
        given = rmfield(given, 'bids');
    end
    if isempty(folder)
        folder = folder_beside(dest);
    end
    places = {'study', 'study'; 'task_name', 'task'; 'hed_sidecar', 'hed_sidecar'; ...
        'hed_version', 'hed_version'};
    for k = 1:size(places, 1)
        if isfield(given, places{k, 1})
            settings.(places{k, 2}) = given.(places{k, 1});
            given = rmfield(given, places{k, 1});
        end
    end
    settings.overwrite = isfield(given, 'overwrite') && ~isempty(given.overwrite) && ...
        logical(given.overwrite);
    if ~isfield(given, 'hed')
        settings.old_tags = 'ignore';
    end
    if ~isfield(given, 'recipe') || isempty(given.recipe)
        given.recipe = 'as-is';
    end
    pairs = [fieldnames(given), struct2cell(given)]';
    words = bidsdl_arguments(pairs(:)');
end

function given = read_pairs(options)
% Return names and values as a struct.
    if mod(numel(options), 2) ~= 0 || ~all(cellfun(@ischar, options(1:2:end)))
        error('bidsdl:options', 'options are names and values in turn; give each name a value');
    end
    given = struct();
    for k = 1:2:numel(options)
        if ~isempty(options{k + 1})
            given.(options{k}) = options{k + 1};
        end
    end
end

function folder = folder_beside(dest)
% Return the BIDS folder beside a store: squares.zarr -> squares_bids.
    if ~isempty(strfind(dest, '://')) %#ok<STREMP>
        error('bidsdl:options', ['%s is an address; name a BIDS folder on this machine ' ...
            '(''bids'')'], dest);
    end
    folder = [regexprep(regexprep(dest, '[/\\]+$', ''), '\.zarr$', '') '_bids'];
end
