function [EEG, com] = pop_bidsdl_load(store, varargin)
% POP_BIDSDL_LOAD - load windows of a BIDS-DL store as epochs.
%
% Usage:
%   >> [EEG, com] = pop_bidsdl_load;                       % open a window
%   >> [EEG, com] = pop_bidsdl_load(store, 'key', value, ...);
%
% Inputs:
%   store - [text] the store, a folder whose name ends in .zarr, or its address
%
% Optional inputs:
%   'label'       - [cell or text] only windows of these labels
%   'split'       - [cell or text] only these splits: 'train', 'validation', 'test'
%   'subject'     - [cell or text] only these subjects, as in the store ('001')
%   'recording'   - [cell or text] only these recordings
%   'max_windows' - [number] at most so many, evenly over labels and people; default 2000
%   'predictions' - [text] table that 'bids-dl predict' wrote (.csv), joined to the events
%
% Outputs:
%   EEG - [struct] dataset with an epoch for each window. Each has one event at time 0: its type
%         is the label, and its fields are the columns of the store (HED, dataset, subject,
%         recording, onset, split, ...) and 'window', the row of the store, which begins at 0.
%         EEG.etc.bidsdl names the store and its recipe. [] if the window was cancelled.
%   com - [text] the command for the history of EEGLAB
%
% The samples are those that a network is given, in microvolts: look at them with EEGLAB's plots.
%
% Example:
%   >> EEG = pop_bidsdl_load('eyes.zarr', 'split', 'test', 'max_windows', 200);
%   >> pop_eegplot(EEG);
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_PREDICT, POP_LOADSET

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    EEG = [];
    com = '';
    if nargin < 1
        [EEG, com] = load_by_window();
        return
    end
    fprintf('BIDS-DL: reading windows of %s ...\n', store);
    file = [tempname() '.set'];
    remove = onCleanup(@() remove_files(file)); %#ok<NASGU>
    bidsdl_check(bidsdl_run([{'export', store, file}, bidsdl_arguments(varargin)]));
    [folder, name] = fileparts(file);
    EEG = pop_loadset('filename', [name '.set'], 'filepath', folder);
    EEG = eeg_checkset(EEG, 'eventconsistency');
    EEG.filename = '';
    EEG.filepath = '';
    EEG.datfile = '';
    EEG.saved = 'no';
    [unused, title] = fileparts(regexprep(store, '[/\\]+$', '')); %#ok<ASGLU>
    EEG.setname = ['windows of ' title];
    com = bidsdl_command('EEG', 'pop_bidsdl_load', store, varargin{:});
end

function [EEG, com] = load_by_window()
% Ask in a window. After an error the window opens again with what was typed.
    EEG = [];
    com = '';
    typed = struct('store', '', 'label', '', 'split', '', 'subject', '', ...
        'max_windows', '2000', 'predictions', '', 'more', '');
    while isempty(com)
        typed = open_window(typed);
        if isempty(typed)
            return
        end
        try
            [store, options] = read_fields(typed);
            [EEG, com] = pop_bidsdl_load(store, options{:});
        catch problem
            bidsdl_dialog(problem);
        end
    end
end

function typed = open_window(typed)
% Contents of the fields after OK, [] after Cancel.
    label = @(text) {'style', 'text', 'string', text};
    field = @(tag) {'style', 'edit', 'tag', tag, 'string', typed.(tag), ...
        'horizontalalignment', 'left'};
    button = @(text, action) {'style', 'pushbutton', 'string', text, 'callback', action};
    side = [1.5 2.4 0.9];
    uilist = { ...
        label('Store (a folder *.zarr)'), field('store'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''store'', ''folder'');'), ...
        {}, label('Empty fields: all of them. Several: a, b, c'), ...
        button('Content...', 'bidsdl_content(gcbf, ''store'');'), ...
        label('Labels'), field('label'), {}, ...
        label('Splits (train, validation, test)'), field('split'), {}, ...
        label('Subjects'), field('subject'), {}, ...
        label('Number of windows, at most'), field('max_windows'), {}, ...
        label('Predictions of a network (*.csv)'), field('predictions'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''predictions'', ''*.csv'');'), ...
        label('More options'), field('more'), {}};
    [unused, unused2, unused3, typed] = inputgui('geometry', repmat({side}, 1, 8), ...
        'uilist', uilist, 'title', 'Windows of a store as epochs -- pop_bidsdl_load()', ...
        'helpcom', 'pophelp(''pop_bidsdl_load'');'); %#ok<ASGLU>
end

function [store, options] = read_fields(typed)
% Inputs of pop_bidsdl_load.
    store = strtrim(typed.store);
    if isempty(store)
        error('bidsdl:typed', 'store: the field is empty; give the folder of a store (*.zarr)');
    end
    options = {};
    for name = {'label', 'split', 'subject'}
        items = regexp(strtrim(typed.(name{1})), '\s*,\s*', 'split');
        items = items(~cellfun(@isempty, items));
        if ~isempty(items)
            options = [options, name, {items}]; %#ok<AGROW>
        end
    end
    limit = str2double(typed.max_windows);
    if isnan(limit) || limit < 1 || limit ~= round(limit)
        error('bidsdl:typed', ...
            'windows: ''%s'' is no number of windows; give a whole number such as 2000', ...
            strtrim(typed.max_windows));
    end
    options = [options, {'max_windows', limit}];
    if ~isempty(strtrim(typed.predictions))
        options = [options, {'predictions', strtrim(typed.predictions)}];
    end
    options = [options, bidsdl_typed(typed.more)];
end

function remove_files(file)
% Remove the temporary dataset.
    files = {file, regexprep(file, '\.set$', '.fdt')};
    for k = 1:numel(files)
        if exist(files{k}, 'file') == 2
            delete(files{k});
        end
    end
end
