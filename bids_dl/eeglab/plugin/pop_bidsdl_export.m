function [outcome, com] = pop_bidsdl_export(EEG, dest, varargin)
% POP_BIDSDL_EXPORT - convert datasets, as they are in EEGLAB now, into a store for deep learning.
%
% Usage:
%   >> [outcome, com] = pop_bidsdl_export(EEG);                % open a window
%   >> [outcome, com] = pop_bidsdl_export(EEG, STUDY);         % the same, for a STUDY
%   >> [outcome, com] = pop_bidsdl_export(EEG, dest, 'key', value, ...);
%
% Inputs:
%   EEG       - the current dataset, several of them, or all of a STUDY: continuous or epoched.
%               Samples on disk are read one dataset at a time.
%   dest      - [text] the store to write, a folder whose name ends in .zarr
%
% Optional inputs:
%   'hed'     - [cell] a row of label and HED query for each class, such as
%               {'eyes_open', 'Eyes-open'; 'eyes_closed', 'Eyes-closed'}
%   'event'   - [cell] instead of HED: {'type'} makes a class of each type of event; a row of label
%               and condition selects, such as {'square', 'type==square'; 'response', 'type==rt'}
%   'window'  - [s] length of windows that follow each other in each selected part
%   'stride'  - [s] from the start of one of these windows to the start of the next
%   'tmin'    - [s] start of windows around events, relative to the event
%   'tmax'    - [s] end of windows around events. Without any of these four, the windows of epoched
%               data are the epochs.
%   'recipe'  - [text] preprocessing; default 'as-is', none
%   'bids'    - [text] BIDS folder to write; default: beside the store. It stays, and the store is
%               made from it.
%   'study'   - [struct] the STUDY of the datasets
%   'hed_sidecar' - [text] JSON sidecar with HED, if EEGLAB's datasets have none
%   'hed_version' - [text] version of HED; default: that of the source
%   'task_name'   - [text] task of datasets without one; default: their condition, else 'eeglab'
%   'overwrite'   - [true|false] replace a finished store, and the BIDS folder of an earlier export
%   All others are those of the command 'bids-dl convert', with underscores in place of dashes:
%   'split', 'dtype', 'subject', 'seed', ...
%
% Outputs:
%   outcome   - [struct] the summary: store, n_windows, people, failures, warnings; and bids, the
%               BIDS folder, and notes on the datasets. [] if the window was cancelled.
%   com       - [text] the command for the history of EEGLAB
%
% HED is taken from where EEGLAB keeps it: the field HED of the events, EEG.etc.HED or STUDY.etc.HED
% (HEDTools), a sidecar that is named, or the BIDS folder that the datasets were imported from.
% With the recipe 'as-is' the samples of the store are those of EEG.data, as float32. Windows over a
% cut (an event 'boundary') are left out and counted. Of epochs, the event at time 0 is used.
%
% Example:
%   >> pop_bidsdl_export(EEG, 'squares.zarr', 'event', {'square', 'type==square'}, ...
%         'tmin', -0.5, 'tmax', 1);
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_LOAD, BIDSDL_WRITEBIDS, EEGLAB

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    outcome = [];
    com = '';
    if nargin < 1
        help pop_bidsdl_export;
        return
    end
    if nargin < 2 || ~ischar(dest)
        study = [];
        if nargin >= 2 && isstruct(dest)
            study = dest;
        end
        [outcome, com] = export_by_window(EEG, study);
        return
    end
    [words, folder, settings] = bidsdl_exportoptions(dest, varargin, [EEG.trials] > 1);
    existed = exist(folder, 'dir') == 7;
    files = bidsdl_writebids(EEG, folder, settings);
    notes = cellfun(@(note) sprintf('Note: %s\n', note), files.warnings, 'UniformOutput', false);
    fprintf('%s', notes{:}); % before the conversion, because it may fail for what they say
    if ~isempty(files.span) && ~any(strncmp(words, '--tmin', 6) | strncmp(words, '--window', 8))
        words = [words, bidsdl_arguments({'tmin', files.span(1), 'tmax', files.span(2)})];
    end
    answer = bidsdl_run([{'convert', folder, dest, '--json'}, words]);
    if answer.status == 2 && ~existed
        bidsdl_remove(folder); % because a request that is refused writes nothing
    end
    bidsdl_check(answer);
    outcome = answer.output;
    outcome.bids = folder;
    outcome.notes = files.warnings;
    fprintf('%s\nBIDS folder: %s\n', bidsdl_summary(outcome), folder);
    options = name_study(varargin);
    com = bidsdl_command('outcome', 'pop_bidsdl_export', @() EEG, dest, options{:});
end

function text = summarize(outcome)
% Write what the store holds, where the BIDS folder is, and the notes on the datasets.
    notes = cellfun(@(note) ['Note: ' note], outcome.notes, 'UniformOutput', false);
    text = strjoin([{bidsdl_summary(outcome), ['BIDS folder: ' outcome.bids]}, notes], ...
        char(10)); %#ok<CHARTEN>
end

function options = name_study(options)
% Replace the STUDY by the name of its variable, for the history.
    place = find(strcmp(options(1:2:end), 'study'), 1);
    if ~isempty(place)
        options{2 * place} = @() STUDY;
    end
end

function [outcome, com] = export_by_window(EEG, study)
% Ask in a window. After an error the window opens again with what was typed.
    outcome = [];
    com = '';
    try
        bidsdl_checkdata(EEG);
        typed = first_contents(EEG, study);
    catch problem
        bidsdl_dialog(problem);
        return
    end
    while isempty(com)
        typed = open_window(typed, EEG);
        if isempty(typed)
            return
        end
        try
            [dest, options] = read_window(typed, study);
            fprintf('BIDS-DL: writing BIDS, then converting it ...\n');
            [outcome, com] = pop_bidsdl_export(EEG, dest, options{:});
            bidsdl_dialog(summarize(outcome), 'BIDS-DL: the store is written');
        catch problem
            bidsdl_dialog(problem);
        end
    end
end

function typed = first_contents(EEG, study)
% Return what the window shows first: classes by type of event where there is no HED. Windows are
% then around the events, because most events of EEGLAB are moments.
    typed = bidsdl_request('defaults');
    typed.recipe = 'as-is';
    typed.bids = '';
    typed.hed_sidecar = '';
    names = bidsdl_names(EEG, study);
    hed = bidsdl_hed(EEG, names, study, struct('hed_sidecar', '', 'old_tags', 'ignore'));
    if all(cellfun(@isempty, hed.places))
        typed.by = 2;
        typed.classes = type_column(EEG(1));
        typed.kind = 2;
        typed.first = '-0.5';
        typed.second = '1';
    end
    if EEG(1).trials > 1
        typed.kind = 3;
    end
end

function column = type_column(EEG)
% Return the column of events.tsv that has the type of an event.
    column = 'type';
    if ~isempty(EEG.event)
        EEG.event = EEG.event(1);
        rows = bidsdl_events(EEG);
        if ~any(strcmp(rows.columns, 'type'))
            column = rows.columns{min(3, end)};
        end
    end
end

function [dest, options] = read_window(typed, study)
% Return the inputs of pop_bidsdl_export that a window holds.
    typed.sources = 'EEG';
    whole_epochs = typed.kind == 3;
    if whole_epochs
        typed.kind = 1;
        typed.first = '1'; % not used
        typed.second = '';
    end
    [unused, dest, options] = bidsdl_request('read', typed); %#ok<ASGLU>
    if whole_epochs
        place = find(strcmp(options(1:2:end), 'window'), 1);
        options(2 * place - 1:2 * place) = [];
    end
    for field = {'bids', 'hed_sidecar'}
        if ~isempty(strtrim(typed.(field{1})))
            options = [options, field, {strtrim(typed.(field{1}))}]; %#ok<AGROW>
        end
    end
    if ~isempty(study)
        options = [options, {'study', study}];
    end
end

function typed = open_window(typed, EEG)
% Contents of the fields after OK, [] after Cancel.
    label = @(text) {'style', 'text', 'string', text};
    field = @(tag) {'style', 'edit', 'tag', tag, 'string', typed.(tag), ...
        'horizontalalignment', 'left'};
    menu = @(tag, items) {'style', 'popupmenu', 'tag', tag, 'string', items, ...
        'value', typed.(tag)};
    button = @(text, action) {'style', 'pushbutton', 'string', text, 'callback', action};
    browse = @(tag, kind) button('Browse...', ...
        sprintf('bidsdl_browse(gcbf, ''%s'', ''%s'');', tag, kind));
    kinds = 'one after another: length, step|around events: from, to';
    if EEG(1).trials > 1
        kinds = [kinds '|the epochs as they are'];
    end
    side = [1.35 2.6 0.75];
    geometry = {1, [1.35 1.3 1.3 0.75], 1, [1.35 2.1 0.6 0.6], side, side, side, side, ...
        [1.35 1.1 0.75 1.5], [1.35 1.85 1.5], [1.35 3.35]};
    heights = [1 1 3 1 1 1 1 1 1 1 1];
    uilist = {label(describe_data(EEG)), ...
        label('Classes to select by'), menu('by', 'HED tags|fields of events'), ...
        label('one a line: label = query'), ...
        button('Examples', 'bidsdl_request(''examples'');'), ...
        [field('classes'), {'max', 2}], ...
        label('Windows, in seconds'), menu('kind', kinds), field('first'), field('second'), ...
        label('Preprocessing recipe'), field('recipe'), ...
        button('List...', 'bidsdl_recipes(gcbf, ''recipe'');'), ...
        label('Store to write'), field('dest'), browse('dest', 'new store'), ...
        label('BIDS folder (or beside it)'), field('bids'), browse('bids', 'folder'), ...
        label('HED sidecar (optional)'), field('hed_sidecar'), ...
        browse('hed_sidecar', '*.json'), ...
        label('Train, validation, test'), field('split'), label('  Samples'), ...
        menu('dtype', 'float32, exact|int16, a third of the space'), ...
        label('More options'), field('more'), label('  such as ''task_name'', ''rest'''), ...
        {}, {'style', 'checkbox', 'tag', 'overwrite', 'string', ...
        'Replace the store and its BIDS folder if they exist', 'value', typed.overwrite}};
    [unused, unused2, unused3, typed] = inputgui('geometry', geometry, 'geomvert', heights, ...
        'uilist', uilist, 'title', 'Datasets of EEGLAB to a store -- pop_bidsdl_export()', ...
        'helpcom', 'pophelp(''pop_bidsdl_export'');'); %#ok<ASGLU>
end

function text = describe_data(EEG)
% Say in one line what is going to be written.
    kind = 'continuous';
    if EEG(1).trials > 1
        kind = bidsdl_count(sum([EEG.trials]), 'epoch');
    end
    text = sprintf('%s, %s, %g Hz, %s', bidsdl_count(numel(EEG), 'dataset'), ...
        bidsdl_count(EEG(1).nbchan, 'channel'), EEG(1).srate, kind);
end
