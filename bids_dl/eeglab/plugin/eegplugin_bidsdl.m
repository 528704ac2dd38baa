function vers = eegplugin_bidsdl(fig, trystrs, catchstrs)
% EEGPLUGIN_BIDSDL - menu of BIDS-DL in EEGLAB: datasets to stores for deep learning, and back.
%
% Usage:
%   >> vers = eegplugin_bidsdl(fig, trystrs, catchstrs);
%
% Inputs:
%   fig       - [handle] EEGLAB's window
%   trystrs   - [struct] EEGLAB's strings at the start of a callback
%   catchstrs - [struct] EEGLAB's strings at the end of a callback
%
% Outputs:
%   vers      - [text] name and version of the plug-in
%
% EEGLAB calls this function when it starts. It adds the menu "Deep-learning stores (BIDS-DL)" to
% File and to Tools, and the item "File > Import data > Using EEGLAB functions and plugins > From a
% BIDS-DL store". The menu is in File, too, because EEGLAB disables Tools while it has no dataset.
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_EXPORT, POP_BIDSDL_LOAD, POP_BIDSDL_PREDICT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    vers = ['bidsdl' bidsdl_version()];
    if nargin < 3
        return
    end
    delete(findobj(fig, 'tag', 'bidsdl')); % because EEGLAB builds its menu again at times
    from_store = [trystrs.no_check '[EEGTMP, LASTCOM] = pop_bidsdl_load;' ...
        ' if isempty(LASTCOM), clear EEGTMP; end;' catchstrs.new_and_hist];
    add_menu(findobj(fig, 'tag', 'tools'), from_store, trystrs, catchstrs);
    add_menu(findobj(fig, 'type', 'uimenu', 'label', 'File'), from_store, trystrs, catchstrs);
    uimenu(findobj(fig, 'tag', 'import data'), 'label', 'From a BIDS-DL store', ...
        'tag', 'bidsdl', 'callback', from_store, 'userdata', 'startup:on;study:on', ...
        'separator', 'on');
end

function add_menu(parent, from_store, trystrs, catchstrs)
% Add the menu with an item for each function. Items that need a dataset are off without one.
    always = 'startup:on;study:on';
    with_data = 'startup:off;study:on';
    one_dataset = 'startup:off;study:off';
    menu = uimenu(parent, 'label', 'Deep-learning stores (BIDS-DL)', 'tag', 'bidsdl', ...
        'userdata', always, 'separator', 'on');
    add = @(text, callback, userdata, line) uimenu(menu, 'label', text, 'callback', callback, ...
        'userdata', userdata, 'separator', line);
    add('BIDS folders to a store', keep(trystrs, 'pop_bidsdl_convert', catchstrs), always, 'off');
    exported = ['if CURRENTSTUDY == 1, bidsdl_study = STUDY; else, bidsdl_study = []; end; ' ...
        keep(trystrs, 'pop_bidsdl_export(EEG, bidsdl_study)', catchstrs) 'clear bidsdl_study;'];
    add('Current dataset(s) or STUDY to a store', exported, with_data, 'off');
    add('Windows of a store as epochs', from_store, always, 'on');
    add('Predictions of a network into events', ...
        [trystrs.no_check '[EEG, LASTCOM] = pop_bidsdl_predict(EEG);' catchstrs.new_and_hist], ...
        one_dataset, 'off');
    add('Report of a store', keep(trystrs, 'pop_bidsdl_report', catchstrs), always, 'on');
    add('Settings', keep(trystrs, 'pop_bidsdl_settings', catchstrs), always, 'off');
end

function callback = keep(trystrs, call, catchstrs)
% Callback of a function that changes no dataset. Its command goes into the history, and EEGLAB
% does not see it, because EEGLAB would store the dataset again, or make an empty one.
    callback = [trystrs.no_check '[~, LASTCOM] = ' call ';' ...
        ' if ~isempty(LASTCOM), eegh(LASTCOM); end; LASTCOM = '''';' catchstrs.add_to_hist];
end
