function text = bidsdl_summary(outcome)
% BIDSDL_SUMMARY - what a conversion wrote, and which recordings failed, as text.
%
% Usage:
%   >> text = bidsdl_summary(outcome);
%
% Inputs:
%   outcome - [struct] from POP_BIDSDL_CONVERT
%
% Outputs:
%   text    - [text] the store, windows of each split and label, failures, warnings
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_EXPORT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    lines = {sprintf('%s: %s from %s of %s', outcome.store, ...
        bidsdl_count(outcome.n_windows, 'window'), ...
        bidsdl_count(outcome.n_recordings, 'recording'), ...
        bidsdl_count(numel(outcome.people), 'person', 'people'))};
    if isempty(regexp(outcome.store, '^([/\\]|[A-Za-z]:|\w+://)', 'once'))
        lines{end + 1} = ['  in the folder ' pwd()]; % because the store has a relative path
    end
    lines = [lines, count_splits(outcome.people)];
    if outcome.dropped > 0
        lines{end + 1} = [bidsdl_count(outcome.dropped, 'window') ' left out by the recipe'];
    end
    failures = outcome.failures;
    if ~isempty(failures)
        lines{end + 1} = ' ';
        lines{end + 1} = [bidsdl_count(numel(failures), 'recording') ...
            ' FAILED, not in the store:'];
        for k = 1:numel(failures)
            lines{end + 1} = sprintf('  %s (%s): %s', failures(k).recording, ...
                failures(k).stage, failures(k).reason); %#ok<AGROW>
        end
    end
    warnings = outcome.warnings;
    if ischar(warnings)
        warnings = {warnings};
    end
    for k = 1:numel(warnings)
        lines{end + 1} = ['Note: ' warnings{k}]; %#ok<AGROW>
    end
    text = strjoin(lines, char(10)); %#ok<CHARTEN>
end

function lines = count_splits(people)
% A line for each split: its people, and its windows of each label.
    lines = {};
    splits = {'train', 'validation', 'test'};
    found = unique({people.split});
    splits = [splits(ismember(splits, found)), setdiff(found, splits)];
    for k = 1:numel(splits)
        members = people(strcmp({people.split}, splits{k}));
        labels = {};
        counts = [];
        for m = 1:numel(members)
            for n = 1:numel(members(m).windows)
                item = members(m).windows(n);
                place = find(strcmp(labels, item.label), 1);
                if isempty(place)
                    labels{end + 1} = item.label; %#ok<AGROW>
                    counts(end + 1) = 0; %#ok<AGROW>
                    place = numel(labels);
                end
                counts(place) = counts(place) + item.value;
            end
        end
        parts = cellfun(@(name, count) sprintf('%d %s', count, name), labels, ...
            num2cell(counts), 'UniformOutput', false);
        lines{end + 1} = sprintf('  %s: %s, windows: %s', splits{k}, ...
            bidsdl_count(numel(members), 'person', 'people'), strjoin(parts, ', ')); %#ok<AGROW>
    end
end
