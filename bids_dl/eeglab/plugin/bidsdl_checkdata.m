function bidsdl_checkdata(EEG)
% BIDSDL_CHECKDATA - refuse datasets that one store can't hold, before anything is written.
%
% Usage:
%   >> bidsdl_checkdata(EEG);
%
% Input:
%   EEG - one dataset, or an array of datasets; their samples may be on disk
%
% Refused are: no dataset, samples that are complex or of another size than the dataset says, a
% sampling rate that is no rate, channels without unique labels, different sampling rates, different
% channels, continuous beside epoched data, and epochs of different limits. The error has the
% numbers, and says what to do.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if isempty(EEG) || all(cellfun(@isempty, {EEG.data}))
        error('bidsdl:refused', 'no dataset with samples; load one first');
    end
    labels = cell(1, numel(EEG));
    for k = 1:numel(EEG)
        labels{k} = check_one(EEG(k), k);
    end
    check_rates([EEG.srate]);
    check_channels(labels);
    check_epochs(EEG);
end

function labels = check_one(EEG, k)
% Refuse a dataset without samples or labels, and return its labels.
    if isempty(EEG.data)
        error('bidsdl:refused', 'dataset %d has no samples; remove it, or load it again', k);
    end
    if ~isscalar(EEG.srate) || ~isfinite(EEG.srate) || EEG.srate <= 0
        error('bidsdl:refused', ['dataset %d has a sampling rate of %g Hz; enter it in ' ...
            'Edit > Dataset info'], k, EEG.srate);
    end
    check_samples(EEG, k);
    labels = {};
    if isstruct(EEG.chanlocs) && isfield(EEG.chanlocs, 'labels')
        labels = cellfun(@(label) strtrim(bidsdl_text(label, '')), {EEG.chanlocs.labels}, ...
            'UniformOutput', false);
    end
    missing = EEG.nbchan - sum(~cellfun(@isempty, labels));
    if missing ~= 0
        error('bidsdl:refused', ['dataset %d: %d of %d channels have no label; enter labels in ' ...
            'Edit > Channel locations'], k, missing, EEG.nbchan);
    end
    [unused, first] = unique(labels); %#ok<ASGLU>
    repeated = labels(setdiff(1:numel(labels), first));
    if ~isempty(repeated)
        error('bidsdl:refused', ['dataset %d: several channels are labelled %s; labels must be ' ...
            'unique, change them in Edit > Channel locations'], k, ...
            bidsdl_list(unique(repeated)));
    end
end

function check_samples(EEG, k)
% Refuse samples in memory that are complex, or whose size is not that of the fields.
    if ~isnumeric(EEG.data)
        return
    end
    promised = [EEG.nbchan, EEG.pnts, EEG.trials];
    found = [size(EEG.data, 1), size(EEG.data, 2), size(EEG.data, 3)];
    if ~isequal(found, promised)
        error('bidsdl:refused', ['dataset %d: EEG.data has %s channels, samples and epochs, ' ...
            'its fields say %s; run EEG = eeg_checkset(EEG)'], k, ...
            strtrim(sprintf('%d ', found)), strtrim(sprintf('%d ', promised)));
    elseif ~isreal(EEG.data)
        error('bidsdl:refused', ['dataset %d has complex samples, of which a store can hold ' ...
            'the real part only; take a real part or an amplitude first'], k);
    end
end

function check_rates(rates)
% Refuse different sampling rates.
    different = find(rates ~= rates(1));
    if ~isempty(different)
        error('bidsdl:refused', ['dataset 1 has %.15g Hz, %d of %d datasets have another rate ' ...
            '(dataset %d: %.15g Hz); resample them to one rate with pop_resample'], rates(1), ...
            numel(different), numel(rates), different(1), rates(different(1)));
    end
end

function check_channels(labels)
% Refuse datasets with other channels than the first one. Their order may differ.
    for k = 2:numel(labels)
        missing = setdiff(labels{1}, labels{k}, 'stable');
        added = setdiff(labels{k}, labels{1}, 'stable');
        if ~isempty(missing) || ~isempty(added)
            error('bidsdl:refused', ['dataset %d has %d channels, dataset 1 has %d; only in ' ...
                'dataset 1: %s; only in dataset %d: %s; interpolate missing channels with ' ...
                'pop_interp, or keep those that all have (recipe ''common'', or pop_select)'], ...
                k, numel(labels{k}), numel(labels{1}), list_or_none(missing), k, ...
                list_or_none(added));
        end
    end
end

function check_epochs(EEG)
% Refuse epochs beside continuous data, and epochs of different limits.
    epoched = [EEG.trials] > 1;
    if any(epoched) && ~all(epoched)
        error('bidsdl:refused', ['%d of %d datasets are epoched (dataset %s), the others are ' ...
            'continuous; give either all epoched or all continuous'], sum(epoched), ...
            numel(EEG), bidsdl_list(find(epoched)));
    end
    for k = 2:numel(EEG)
        if epoched(k) && (EEG(k).pnts ~= EEG(1).pnts || ...
                round(EEG(k).xmin * EEG(k).srate) ~= round(EEG(1).xmin * EEG(1).srate))
            error('bidsdl:refused', ['dataset %d has epochs from %g s with %d samples, dataset ' ...
                '1 from %g s with %d; make epochs of equal limits with pop_epoch'], k, ...
                EEG(k).xmin, EEG(k).pnts, EEG(1).xmin, EEG(1).pnts);
        end
    end
end

function text = list_or_none(items)
% List items, or write none.
    text = 'none';
    if ~isempty(items)
        text = bidsdl_list(items);
    end
end
