function varargout = bidsdl_request(action, argument)
% BIDSDL_REQUEST - what the window of POP_BIDSDL_CONVERT asks for.
%
% Usage:
%   >> typed = bidsdl_request('defaults');                  % contents of an empty window
%   >> [sources, dest, options] = bidsdl_request('read', typed);
%   >> text = bidsdl_request('count', typed);               % count the windows
%   >> bidsdl_request('count', fig);                        % count, and show it in the window
%   >> bidsdl_request('examples');                          % a message box with examples
%
% Inputs:
%   action - [text] see above
%   typed  - [struct] contents of the fields of the window
%   fig    - [handle] the window
%
% Outputs:
%   sources, dest, options - inputs of POP_BIDSDL_CONVERT
%   text   - [text] events and windows of each label, a line each
%
% See also: POP_BIDSDL_CONVERT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    switch action
        case 'defaults' % the recipe has a blank, because a control takes 'default' as a command
            varargout = {struct('sources', '', 'by', 1, 'classes', '', 'kind', 1, ...
                'first', '2', 'second', '2', 'recipe', ' default', 'dest', '', ...
                'split', '0.7, 0.15, 0.15', 'dtype', 1, 'more', '', 'overwrite', 0, ...
                'counted', '')};
        case 'read'
            [sources, dest, options] = read_fields(argument, true);
            varargout = {sources, dest, options};
        case 'count'
            if isstruct(argument)
                varargout = {count_windows(argument)};
            else
                show_count(argument);
            end
        case 'examples'
            bidsdl_dialog(examples(), 'Classes');
    end
end

function [sources, dest, options] = read_fields(typed, complete)
% Inputs of pop_bidsdl_convert; without those that only a conversion needs unless complete.
    sources = bidsdl_lines(typed.sources);
    if isempty(sources)
        error('bidsdl:typed', 'BIDS folders: the field is empty; give a folder on each line');
    end
    dest = strtrim(typed.dest);
    if complete && isempty(dest)
        error('bidsdl:typed', 'store to write: the field is empty; give a name such as eyes.zarr');
    end
    kinds = {'hed', 'event'};
    options = {kinds{typed.by}, read_classes(typed.classes)};
    names = {'window', 'stride'; 'tmin', 'tmax'};
    options = [options, names(typed.kind, 1), {read_number(typed.first, names{typed.kind, 1})}];
    if typed.kind == 2 || ~isempty(strtrim(typed.second))
        options = [options, names(typed.kind, 2), ...
            {read_number(typed.second, names{typed.kind, 2})}];
    end
    if complete
        types = {'float32', 'int16'};
        options = [options, {'recipe', strtrim(typed.recipe), ...
            'split', regexprep(typed.split, '\s*,\s*', ','), 'dtype', types{typed.dtype}}];
        if typed.overwrite
            options = [options, {'overwrite', true}];
        end
    end
    options = [options, bidsdl_typed(typed.more)];
end

function classes = read_classes(text)
% Rows of label and query. A line without a label has the label ''.
    lines = bidsdl_lines(text);
    if isempty(lines)
        error('bidsdl:typed', ...
            'classes: the field is empty; give a line such as: eyes_open = Eyes-open');
    end
    classes = cell(numel(lines), 2);
    for k = 1:numel(lines)
        parts = regexp(lines{k}, '^([^=]*[^=!<>\s])\s*=\s*([^=\s].*)$', 'tokens', 'once');
        if isempty(parts)
            parts = {'', lines{k}};
        end
        classes(k, :) = parts;
    end
end

function number = read_number(text, name)
% Seconds that were typed.
    number = str2double(strtrim(text));
    if isnan(number) || any(text == ',')
        error('bidsdl:typed', 'windows (%s): ''%s'' is no number; give seconds such as 0.5', ...
            name, strtrim(text));
    end
end

function text = count_windows(typed)
% Recordings, events and windows of each label, a line each.
    [sources, unused, options] = read_fields(typed, false); %#ok<ASGLU>
    options = drop_options(options, {'overwrite', 'recipe', 'split', 'dtype', 'set', 'seed', ...
        'stratify', 'title', 'description', 'author', 'license', 'jobs', 'memory', ...
        'scheduler', 'staging', 'storage_option'});
    words = [{'events'}, reshape(sources, 1, []), {'--json'}, bidsdl_arguments(options)];
    answer = bidsdl_run(words, [], {'counts', 'people', 'recordings', 'warnings'});
    bidsdl_check(answer);
    counts = answer.output.counts;
    text = '';
    for k = 1:numel(counts)
        text = [text sprintf('%s: %s from %s in %s\n', counts(k).label, ...
            bidsdl_count(counts(k).windows, 'window'), bidsdl_count(counts(k).events, 'event'), ...
            bidsdl_count(counts(k).recordings, 'recording'))]; %#ok<AGROW>
    end
    text = [text bidsdl_count(numel(answer.output.people), 'person', 'people') ', ' ...
        bidsdl_count(answer.output.recordings, 'recording')];
end

function options = drop_options(options, names)
% Options without those that counting does not have.
    keep = true(1, numel(options));
    for k = 1:2:numel(options)
        if any(strcmp(options{k}, names))
            keep(k:k + 1) = false;
        end
    end
    options = options(keep);
end

function show_count(fig)
% Count what the window asks for, and show it in the window.
    typed = bidsdl_request('defaults');
    tags = fieldnames(typed);
    for k = 1:numel(tags)
        control = findobj(fig, 'tag', tags{k});
        if ischar(typed.(tags{k}))
            typed.(tags{k}) = get(control, 'string');
        else
            typed.(tags{k}) = get(control, 'value');
        end
    end
    place = findobj(fig, 'tag', 'counted');
    set(place, 'string', 'Counting ...');
    drawnow;
    try
        text = count_windows(typed);
        fprintf('%s\n', text);
        set(place, 'string', text);
    catch problem
        set(place, 'string', ' ');
        bidsdl_dialog(problem);
    end
end

function text = examples()
% Examples of classes.
    text = sprintf('%s\n', ...
        'Each line is one class: its label, an equals sign, and what to select.', ' ', ...
        'With HED tags:', ...
        '    eyes_open = Eyes-open', ...
        '    target = Sensory-event && Target', ...
        '    left = Press && (Left || Left-hand)', ' ', ...
        'With a column of events.tsv (for files without HED):', ...
        '    square = value==square', ...
        '    response = value==rt,key', ...
        '    trial_type             (a class for each value of the column)');
    text = text(1:end - 1);
end
