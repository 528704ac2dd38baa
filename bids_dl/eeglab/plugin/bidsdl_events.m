function [rows, left_out] = bidsdl_events(EEG, keys)
% BIDSDL_EVENTS - events of a continuous dataset as the rows of a BIDS events.tsv.
%
% Usage:
%   >> rows = bidsdl_events(EEG);
%   >> [rows, left_out] = bidsdl_events(EEG, keys);
%
% Inputs:
%   EEG  - continuous dataset (see BIDSDL_UNEPOCH for epochs)
%   keys - cell array with the columns that a HED sidecar describes, or {} (default). A field
%          keeps its name if the sidecar describes this name.
%
% Outputs:
%   rows     - struct with the fields columns (1 x m cell array of names) and cells (n x m cell
%              array of texts), ordered by onset
%   left_out - fields of EEG.event that are no column, because a value is a matrix or a struct
%
% The onset is (latency - 1) / srate in s, with fractions of a sample. An empty duration, one of 0
% and that of a boundary is n/a. A boundary is at the first sample after the cut, because EEGLAB
% places it half a sample earlier. Every other field is a column with its own name, or with its
% name in EEG.BIDS.eInfo.
%
% See also: BIDSDL_UNEPOCH, BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        keys = {};
    end
    rows = struct('columns', {{'onset', 'duration'}}, 'cells', {cell(0, 2)});
    left_out = {};
    if isempty(EEG.event)
        return
    end
    events = EEG.event(:)';
    cuts = bidsdl_isboundary(events);
    positions = latencies(events);
    positions(cuts) = ceil(positions(cuts)) + 0; % no negative zero
    cells = [bidsdl_texts(num2cell(positions / EEG.srate)), durations(events, cuts, EEG.srate)];
    fields = setdiff(fieldnames(events)', {'latency', 'duration'}, 'stable');
    names = column_names(EEG, fields, keys);
    for k = 1:numel(fields)
        try
            column = quote(bidsdl_texts({events.(fields{k})}));
        catch problem
            if ~strcmp(problem.identifier, 'bidsdl:value')
                rethrow(problem);
            end
            left_out{end + 1} = fields{k}; %#ok<AGROW>
            continue
        end
        rows.columns{end + 1} = names{k};
        cells = [cells, column]; %#ok<AGROW>
    end
    [unused, order] = sort(positions); %#ok<ASGLU>
    rows.cells = cells(order, :);
end

function positions = latencies(events)
% Return the samples of events, counted from 0.
    values = {events.latency};
    wrong = find(~cellfun(@(value) isnumeric(value) && isscalar(value) && isfinite(value), values));
    if ~isempty(wrong)
        error('bidsdl:refused', ['event %d has no latency; remove it, or run ' ...
            'EEG = eeg_checkset(EEG, ''eventconsistency'')'], wrong(1));
    end
    positions = cellfun(@double, values) - 1;
end

function cells = durations(events, cuts, srate)
% Return the durations in s as a column of texts.
    values = nan(numel(events), 1);
    if isfield(events, 'duration')
        durations = {events.duration};
        for k = find(~cuts & ~cellfun('isempty', durations))
            if isnumeric(durations{k}) && durations{k}(1) ~= 0
                values(k) = double(durations{k}(1)) / srate;
            end
        end
    end
    cells = bidsdl_texts(num2cell(values));
end

function names = column_names(EEG, fields, keys)
% Return the column of each field: its BIDS name, unless that is taken or a sidecar has another.
    names = fields;
    for k = 1:numel(fields)
        mapped = bids_name(EEG, fields{k});
        if ~isempty(mapped) && ~any(strcmp(keys, fields{k})) && ~any(strcmp(fields, mapped))
            names{k} = mapped;
        end
    end
    taken = {'onset', 'duration'};
    for k = 1:numel(names)
        while any(strcmp(taken, names{k}))
            names{k} = [names{k} '_field'];
        end
        taken{end + 1} = names{k}; %#ok<AGROW>
    end
end

function name = bids_name(EEG, field)
% Return the BIDS column of a field of EEG.event, '' if EEG.BIDS.eInfo has none.
    name = '';
    if isfield(EEG, 'BIDS') && isfield(EEG.BIDS, 'eInfo') && iscell(EEG.BIDS.eInfo) && ...
            size(EEG.BIDS.eInfo, 2) >= 2
        found = find(strcmp(EEG.BIDS.eInfo(:, 2), field), 1);
        if ~isempty(found)
            name = EEG.BIDS.eInfo{found, 1};
        end
    end
end

function texts = quote(texts)
% Quote cells that begin with a quote, because readers remove quotes around a whole cell.
    for k = find(strncmp(texts, '"', 1))'
        texts{k} = ['"' strrep(texts{k}, '"', '""') '"'];
    end
end
