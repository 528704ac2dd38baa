function [EEG, span, notes] = bidsdl_unepoch(EEG)
% BIDSDL_UNEPOCH - epochs as one continuous dataset, with a boundary between any two.
%
% Usage:
%   >> EEG = bidsdl_unepoch(EEG);
%   >> [EEG, span, notes] = bidsdl_unepoch(EEG);
%
% Input:
%   EEG - epoched dataset with its samples in memory. A continuous one is returned as it is.
%
% Outputs:
%   EEG   - continuous dataset: the epochs in order, a boundary before each but the first, and of
%           each epoch the event at time 0, on a whole sample
%   span  - [tmin tmax] in s of the windows that are these epochs; [] for a continuous dataset
%   notes - cell array of texts: epochs without an event at time 0, or with several
%
% Other events of an epoch are left out: where epochs overlap, EEGLAB repeats them. An epoch without
% an event at time 0 gives no window. A dataset without any such epoch is refused.
%
% See also: BIDSDL_EVENTS, BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    span = [];
    notes = {};
    if EEG.trials <= 1
        return
    end
    zero = round(-EEG.xmin * EEG.srate);
    span = [-zero, EEG.pnts - zero] / EEG.srate;
    [events, counts] = locking_events(EEG, zero);
    notes = describe(counts);
    EEG.event = add_cuts(events, EEG.pnts, EEG.trials);
    if ~ischar(EEG.data)
        EEG.data = reshape(EEG.data, size(EEG.data, 1), []);
    end
    EEG.pnts = EEG.pnts * EEG.trials;
    EEG.trials = 1;
    EEG.xmin = 0;
    EEG.xmax = (EEG.pnts - 1) / EEG.srate;
    EEG.times = [];
    EEG.epoch = [];
    EEG.icaact = [];
end

function [events, counts] = locking_events(EEG, zero)
% Return the events at time 0 of their epochs, on whole samples, and their number in each epoch.
    counts = zeros(1, EEG.trials);
    if isempty(EEG.event) || ~isfield(EEG.event, 'epoch')
        error('bidsdl:refused', ['%d epochs have no events; run EEG = eeg_checkset(EEG, ' ...
            '''eventconsistency''), or make the epochs again with pop_epoch'], EEG.trials);
    end
    events = EEG.event(:)';
    events = events(~bidsdl_isboundary(events));
    epochs = [events.epoch];
    distances = [events.latency] - ((epochs - 1) * EEG.pnts + zero + 1);
    kept = find(abs(distances) < 0.5 + 1e-6); % a latency may have a fraction of a sample
    if isempty(kept)
        error('bidsdl:refused', ['no event is at time 0 of its epoch in %d epochs from %g to ' ...
            '%g s; make epochs with pop_epoch around an event, within limits that hold 0'], ...
            EEG.trials, EEG.xmin, EEG.xmax);
    end
    for k = kept
        counts(epochs(k)) = counts(epochs(k)) + 1;
        events(k).latency = (epochs(k) - 1) * EEG.pnts + zero + 1;
    end
    events = events(kept);
end

function events = add_cuts(events, pnts, trials)
% Insert a boundary before each epoch but the first.
    if ~isfield(events, 'duration')
        [events.duration] = deal([]);
    end
    cut = events(1);
    fields = fieldnames(cut);
    for k = 1:numel(fields)
        cut.(fields{k}) = [];
    end
    cut.type = 'boundary';
    cut.duration = NaN;
    cuts = repmat(orderfields(cut, events), 1, trials - 1);
    for k = 1:trials - 1
        cuts(k).latency = k * pnts + 0.5;
    end
    events = [events, cuts];
    [unused, order] = sort([events.latency]); %#ok<ASGLU>
    events = events(order);
end

function notes = describe(counts)
% Say which epochs have no event at time 0, or more than one.
    notes = {};
    none = find(counts == 0);
    several = find(counts > 1);
    if ~isempty(none)
        notes{end + 1} = sprintf(['%s of %d without an event at time 0, which give no window ' ...
            '(%s)'], bidsdl_count(numel(none), 'epoch'), numel(counts), bidsdl_list(none));
    end
    if ~isempty(several)
        notes{end + 1} = sprintf(['%s of %d with several events at time 0, each of which can ' ...
            'be selected (%s)'], bidsdl_count(numel(several), 'epoch'), numel(counts), ...
            bidsdl_list(several));
    end
end
