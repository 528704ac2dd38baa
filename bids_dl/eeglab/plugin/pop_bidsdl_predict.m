function [EEG, com] = pop_bidsdl_predict(EEG, store, varargin)
% POP_BIDSDL_PREDICT - write what a trained network predicts into the events of a dataset.
%
% Usage:
%   >> [EEG, com] = pop_bidsdl_predict(EEG);                % open a window
%   >> [EEG, com] = pop_bidsdl_predict(EEG, store, 'run_dir', folder);
%   >> [EEG, com] = pop_bidsdl_predict(EEG, store, 'predictions', file);
%
% Inputs:
%   EEG   - [struct] a dataset from POP_BIDSDL_LOAD, or one of the recordings of the store
%   store - [text] the store, a folder whose name ends in .zarr
%
% Optional inputs:
%   'run_dir'     - [text or cell] folder that 'bids-dl train' wrote; several are averaged
%   'predictions' - [text] instead: table that 'bids-dl predict' wrote (.csv)
%   'recording'   - [text] recording of the store that the dataset is, such as
%                   'sub-001/eeg/sub-001_task-rest'. Default: found by subject, session, task, run.
%   'device'      - [text] 'auto', 'cpu', 'cuda' or 'mps'; where the network runs
%
% Outputs:
%   EEG - [struct] For windows from POP_BIDSDL_LOAD, the event of each window has more fields:
%         'predicted', 'p_<class>' (probability) and 'seen' (1 if the network was trained on this
%         person). For a recording, there is a new event for each window of the store: its type is
%         'pred_<class>', with the same fields.
%   com - [text] the command for the history of EEGLAB
%
% Fields 'seen' of 1 say that the prediction is no test of the network.
%
% Example:
%   >> EEG = pop_bidsdl_load('eyes.zarr', 'split', 'test');
%   >> EEG = pop_bidsdl_predict(EEG, 'eyes.zarr', 'run_dir', 'runs/eyes');
%   >> wrong = ~strcmp({EEG.event.type}, {EEG.event.predicted});
%
% See also: POP_BIDSDL_LOAD, POP_BIDSDL_CONVERT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    com = '';
    if numel(EEG) ~= 1 || isempty(EEG.data)
        error('bidsdl:dataset', 'pop_bidsdl_predict needs one dataset; select one of them');
    end
    if nargin < 2
        [EEG, com] = predict_by_window(EEG);
        return
    end
    options = struct('run_dir', {{}}, 'predictions', '', 'recording', '', 'device', '');
    for k = 1:2:numel(varargin) - 1
        if ~isfield(options, varargin{k})
            error('bidsdl:options', 'unknown option ''%s''; use one of %s', varargin{k}, ...
                strjoin(fieldnames(options)', ', '));
        end
        options.(varargin{k}) = varargin{k + 1};
    end
    if isempty(options.run_dir) == isempty(options.predictions)
        error('bidsdl:options', ...
            'give either run_dir, the folder of a training, or predictions, a table of them');
    end
    has_windows = isfield(EEG.etc, 'bidsdl'); % of POP_BIDSDL_LOAD, which must be of this store
    table = bidsdl_predictions(store, options, has_windows);
    EEG = bidsdl_addpredictions(EEG, table, options.recording);
    com = bidsdl_command('EEG', 'pop_bidsdl_predict', @() EEG, store, varargin{:});
end

function [EEG, com] = predict_by_window(EEG)
% Ask in a window. After an error the window opens again with what was typed.
    com = '';
    typed = struct('store', '', 'run_dir', '', 'predictions', '', 'recording', '');
    if isfield(EEG.etc, 'bidsdl') && isfield(EEG.etc.bidsdl, 'store')
        typed.store = EEG.etc.bidsdl.store;
    end
    while isempty(com)
        typed = open_window(typed);
        if isempty(typed)
            return
        end
        try
            options = {};
            for name = {'run_dir', 'predictions', 'recording'}
                if ~isempty(strtrim(typed.(name{1})))
                    options = [options, name, {strtrim(typed.(name{1}))}]; %#ok<AGROW>
                end
            end
            if isempty(strtrim(typed.store))
                error('bidsdl:typed', 'store: the field is empty; give the folder of the store');
            end
            [EEG, com] = pop_bidsdl_predict(EEG, strtrim(typed.store), options{:});
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
    side = [1.6 2.4 0.8];
    uilist = { ...
        label('Store (a folder *.zarr)'), field('store'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''store'', ''folder'');'), ...
        label('Training: its run folder'), field('run_dir'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''run_dir'', ''folder'');'), ...
        label('or a table of predictions (*.csv)'), field('predictions'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''predictions'', ''*.csv'');'), ...
        label('Recording of the store'), field('recording'), ...
        label('empty: find it')};
    [unused, unused2, unused3, typed] = inputgui('geometry', repmat({side}, 1, 4), ...
        'uilist', uilist, 'title', 'Predictions into events -- pop_bidsdl_predict()', ...
        'helpcom', 'pophelp(''pop_bidsdl_predict'');'); %#ok<ASGLU>
end
