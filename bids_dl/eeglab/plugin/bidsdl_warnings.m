function warnings = bidsdl_warnings(EEG)
% BIDSDL_WARNINGS - what was marked in a dataset and not removed, and a reduced rank.
%
% Usage:
%   >> warnings = bidsdl_warnings(EEG);
%
% Input:
%   EEG - dataset with its samples in memory
%
% Output:
%   warnings - cell array of texts: components flagged but not removed, epochs and channels
%              marked but not rejected, a rank below the number of channels, samples that are
%              not finite
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    warnings = {};
    flagged = flagged_components(EEG);
    if ~isempty(flagged)
        warnings{end + 1} = sprintf(['%s flagged but not removed (%s); remove with ' ...
            'pop_subcomp'], bidsdl_count(numel(flagged), 'component'), bidsdl_list(flagged));
    end
    marked = marked_epochs(EEG);
    if ~isempty(marked)
        warnings{end + 1} = sprintf(['%s of %d marked but not rejected (%s); reject with ' ...
            'pop_rejepoch'], bidsdl_count(numel(marked), 'epoch'), EEG.trials, ...
            bidsdl_list(marked));
    end
    bad = find(bidsdl_badchannels(EEG));
    if ~isempty(bad)
        warnings{end + 1} = sprintf(['%s of %d marked bad but not removed (%s); remove or ' ...
            'interpolate'], bidsdl_count(numel(bad), 'channel'), EEG.nbchan, ...
            bidsdl_list({EEG.chanlocs(bad).labels}));
    end
    [found, infinite] = data_rank(EEG.data);
    if found < EEG.nbchan
        warnings{end + 1} = sprintf(['the samples have rank %d, below the %d channels: ' ...
            'interpolation, an average reference or removed components do this'], found, ...
            EEG.nbchan);
    end
    if infinite > 0
        warnings{end + 1} = sprintf(['%s with a value that is not finite; the conversion ' ...
            'leaves this recording out'], bidsdl_count(infinite, 'sample'));
    end
end

function flagged = flagged_components(EEG)
% Return the components flagged for removal.
    flagged = [];
    if isfield(EEG, 'reject') && isfield(EEG.reject, 'gcompreject') && ...
            isfield(EEG, 'icaweights') && ~isempty(EEG.icaweights)
        flagged = find(EEG.reject.gcompreject);
    end
end

function marked = marked_epochs(EEG)
% Return the epochs that any method of EEGLAB has marked.
    marked = [];
    if EEG.trials <= 1 || ~isfield(EEG, 'reject') || ~isstruct(EEG.reject)
        return
    end
    marks = false(1, EEG.trials);
    for field = fieldnames(EEG.reject)'
        value = EEG.reject.(field{1});
        if ~isempty(regexp(field{1}, '^rej(manual|thresh|const|jp|kurt|freq|global)$', 'once')) ...
                && numel(value) == EEG.trials
            marks = marks | reshape(value ~= 0, 1, []);
        end
    end
    marked = find(marks);
end

function [found, infinite] = data_rank(data)
% Return the rank of at most 20000 samples, evenly spread, and the number of those not finite.
    data = reshape(data, size(data, 1), []);
    finite = all(isfinite(data), 1);
    infinite = sum(~finite);
    chosen = find(finite);
    chosen = chosen(round(linspace(1, numel(chosen), min(numel(chosen), 20000))));
    part = double(data(:, chosen));
    part = bsxfun(@minus, part, mean(part, 2));
    variances = eig(part * part');
    % float32 rounds to 6e-8 of the largest value, and variances are squares
    found = sum(variances > 1e-12 * max(variances));
end
