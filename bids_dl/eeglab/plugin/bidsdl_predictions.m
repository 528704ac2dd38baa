function table = bidsdl_predictions(store, options, with_content)
% BIDSDL_PREDICTIONS - predictions for each window of a store, on the clock of its recording.
%
% Usage:
%   >> table = bidsdl_predictions(store, options, with_content);
%
% Inputs:
%   store   - [text] the store
%   options - [struct] with the fields run_dir, predictions and device of POP_BIDSDL_PREDICT
%   with_content - [true|false] ask for the identity of the store, too; takes seconds
%
% Outputs:
%   table   - [struct] with the fields
%             columns - [cell] names of the columns: onset, duration, label, dataset, subject,
%                       recording, ..., window, and after it those of the predictions
%             cells   - [cell] texts, a row for each window
%             content - [text] identity of the store; '' if not asked for
%
% See also: POP_BIDSDL_PREDICT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    name = tempname();
    csv = [name '.csv'];
    tsv = [name '.tsv'];
    remove = onCleanup(@() remove_files({csv, tsv})); %#ok<NASGU>
    if ~isempty(options.run_dir)
        fprintf('BIDS-DL: predicting the windows of %s ...\n', store);
        choices = bidsdl_arguments({'run_dir', options.run_dir, 'device', options.device, ...
            'output', csv});
        bidsdl_check(bidsdl_run([{'predict', store}, choices]));
    else
        csv = options.predictions;
    end
    choices = bidsdl_arguments({'recording_events', tsv, 'predictions', csv});
    bidsdl_check(bidsdl_run([{'export', store}, choices]));
    table = read_table(tsv);
    table.content = '';
    if with_content
        answer = bidsdl_run({'info', store, '--json'}, [], {'content'});
        bidsdl_check(answer);
        table.content = answer.output.content;
    end
end

function table = read_table(file)
% Columns and cells of a TSV file in UTF-8.
    handle = fopen(file, 'r');
    bytes = fread(handle, Inf, '*uint8')';
    fclose(handle);
    text = regexprep(native2unicode(bytes, 'UTF-8'), '\r?\n$', '');
    lines = regexp(text, '\r?\n', 'split');
    columns = regexp(lines{1}, '\t', 'split');
    cells = cell(numel(lines) - 1, numel(columns));
    for k = 2:numel(lines)
        cells(k - 1, :) = regexp(lines{k}, '\t', 'split');
    end
    table = struct('columns', {columns}, 'cells', {cells});
end

function remove_files(files)
% Remove the temporary files that exist. The table of the user is not among them.
    for k = 1:numel(files)
        if exist(files{k}, 'file') == 2
            delete(files{k});
        end
    end
end
