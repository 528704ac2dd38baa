function [outcome, com] = pop_bidsdl_convert(sources, dest, varargin)
% POP_BIDSDL_CONVERT - convert BIDS folders into a store for deep learning.
%
% Usage:
%   >> [outcome, com] = pop_bidsdl_convert;                  % open a window
%   >> [outcome, com] = pop_bidsdl_convert(sources, dest, 'key', value, ...);
%
% Inputs:
%   sources - [cell] BIDS folders, or addresses such as 'openneuro:ds004362'. One folder may be
%             given as text. Several folders become one store.
%   dest    - [text] the store to write, a folder whose name ends in .zarr
%
% Optional inputs (some of them; all are those of the command 'bids-dl convert', with underscores
% in place of dashes):
%   'hed'     - [cell] a row of label and HED query for each class, such as
%               {'eyes_open', 'Eyes-open'; 'eyes_closed', 'Eyes-closed'}
%   'event'   - [cell] instead of HED: a row of label and condition on a column of events.tsv,
%               such as {'square', 'value==square'; 'response', 'value==rt'}
%   'window'  - [s] length of windows that follow each other in each selected part
%   'stride'  - [s] from the start of one of these windows to the start of the next
%   'tmin'    - [s] start of windows around events, relative to the event
%   'tmax'    - [s] end of windows around events
%   'recipe'  - [text] preprocessing: the name of a recipe, or a file; default 'default'
%   'set'     - [cell] a row of STEP.PARAMETER and value for each change of the recipe
%   'split'   - [numbers or text] shares of the people for training, validation and test, such as
%               [0.7 0.15 0.15], or the name of a column of participants.tsv
%   'dtype'   - [text] 'float32', or 'int16' for a third of the space
%   'subject', 'session', 'task', 'run' - [cell] only these
%   'overwrite' - [true|false] replace a finished store
%
% Outputs:
%   outcome - [struct] the summary: store, n_windows, n_recordings, people, failures, warnings.
%             [] if the window was cancelled.
%   com     - [text] the command for the history of EEGLAB
%
% Recordings that fail are listed, and the others are in the store. If a conversion is
% interrupted, run it again with the same inputs: it goes on where it stopped. The window has a
% button "Count", which tells how many windows of each label there will be, and reads no signals.
%
% Example:
%   >> pop_bidsdl_convert({'ds004362'}, 'eyes.zarr', 'window', 2, 'hed', ...
%         {'eyes_open', 'Eyes-open'; 'eyes_closed', 'Eyes-closed'});
%
% See also: POP_BIDSDL_EXPORT, POP_BIDSDL_LOAD, EEGLAB

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    outcome = [];
    com = '';
    if nargin < 2
        typed = bidsdl_request('defaults');
        if nargin == 1
            typed.sources = sources;
        end
        [outcome, com] = convert_by_window(typed);
        return
    end
    if ischar(sources)
        sources = {sources};
    end
    words = [{'convert'}, reshape(sources, 1, []), {dest, '--json'}, bidsdl_arguments(varargin)];
    answer = bidsdl_run(words);
    bidsdl_check(answer);
    outcome = answer.output;
    fprintf('%s\n', bidsdl_summary(outcome));
    com = bidsdl_command('outcome', 'pop_bidsdl_convert', sources, dest, varargin{:});
end

function [outcome, com] = convert_by_window(typed)
% Ask in a window. After an error the window opens again with what was typed.
    outcome = [];
    com = '';
    while isempty(com)
        typed = open_window(typed);
        if isempty(typed)
            return
        end
        try
            [sources, dest, options] = bidsdl_request('read', typed);
            fprintf('BIDS-DL: converting; this takes minutes for large datasets ...\n');
            [outcome, com] = pop_bidsdl_convert(sources, dest, options{:});
            bidsdl_dialog(bidsdl_summary(outcome), 'BIDS-DL: the store is written');
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
    menu = @(tag, items) {'style', 'popupmenu', 'tag', tag, 'string', items, ...
        'value', typed.(tag)};
    button = @(text, action) {'style', 'pushbutton', 'string', text, 'callback', action};
    side = [1.35 2.6 0.75];
    geometry = {[3.95 0.75], 1, [1.35 1.3 1.3 0.75], 1, [1.35 2.1 0.6 0.6], side, side, ...
        [1.35 1.1 0.75 1.5], [1.35 1.85 1.5], [1.35 3.35], [1.35 3.35], 1};
    heights = [1 2 1 3 1 1 1 1 1 1 1 3];
    uilist = { ...
        label('BIDS folders, one a line (or addresses such as openneuro:ds004362)'), ...
        button('Add...', 'bidsdl_browse(gcbf, ''sources'', ''add folder'');'), ...
        [field('sources'), {'max', 2}], ...
        label('Classes to select by'), menu('by', 'HED tags|columns of events.tsv'), ...
        label('one a line: label = query'), ...
        button('Examples', 'bidsdl_request(''examples'');'), ...
        [field('classes'), {'max', 2}], ...
        label('Windows, in seconds'), ...
        menu('kind', 'one after another: length, step|around events: from, to'), ...
        field('first'), field('second'), ...
        label('Preprocessing recipe'), field('recipe'), ...
        button('List...', 'bidsdl_recipes(gcbf, ''recipe'');'), ...
        label('Store to write'), field('dest'), ...
        button('Browse...', 'bidsdl_browse(gcbf, ''dest'', ''new store'');'), ...
        label('Train, validation, test'), field('split'), label('  Samples'), ...
        menu('dtype', 'float32, exact|int16, a third of the space'), ...
        label('More options'), field('more'), label('  such as ''task'', ''rest'''), ...
        {}, {'style', 'checkbox', 'tag', 'overwrite', 'string', ...
        'Replace this store if it exists', 'value', typed.overwrite}, ...
        button('Count the windows', 'bidsdl_request(''count'', gcbf);'), ...
        label('takes seconds, at times a minute, and writes nothing'), ...
        [field('counted'), {'max', 2, 'enable', 'inactive'}]};
    [unused, unused2, unused3, typed] = inputgui('geometry', geometry, 'geomvert', heights, ...
        'uilist', uilist, 'title', 'BIDS folders to a store -- pop_bidsdl_convert()', ...
        'helpcom', 'pophelp(''pop_bidsdl_convert'');'); %#ok<ASGLU>
end
