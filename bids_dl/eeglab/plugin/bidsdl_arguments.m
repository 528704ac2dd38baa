function words = bidsdl_arguments(options)
% BIDSDL_ARGUMENTS - write options as arguments of the program bids-dl.
%
% Usage:
%   >> words = bidsdl_arguments({'hed', {'eyes_open', 'Eyes-open'}, 'window', 2});
%
% Inputs:
%   options   - [cell] names and values in turn. A name is that of the command line, with
%               underscores in place of dashes: 'min_duration' becomes --min-duration.
%               Values:
%               text            as it is
%               number          with all its digits
%               several numbers parted by commas, as split and trim have them
%               true, false     the option alone, or nothing
%               cell of texts   the option once for each text
%               cell of two columns, for the options below: 'label=value' for each row
%               [], '' or {}    nothing
%
% Outputs:
%   words   - [cell] row of texts: arguments of bids-dl
%
% The options of which each row of two columns is one label and its value: hed, event, until,
% trim, within, min_duration, exclude, during, around, annotations, hed_sidecar, set,
% storage_option, endpoint, where.
%
% Example:
%   >> bidsdl_arguments({'hed', {'eyes_open', 'Eyes-open'}, 'overwrite', true})
%   ans = { '--hed=eyes_open=Eyes-open', '--overwrite' }
%
% See also: BIDSDL_RUN, POP_BIDSDL_CONVERT

    if mod(numel(options), 2) ~= 0
        error('bidsdl:options', '%d names and values; give each option a value', numel(options));
    end
    words = {};
    for k = 1:2:numel(options)
        name = options{k};
        if ~ischar(name)
            error('bidsdl:options', 'option %d has a name of class %s; give text', (k + 1) / 2, ...
                class(name));
        end
        words = [words, write_option(name, options{k + 1})]; %#ok<AGROW>
    end
end

function words = write_option(name, value)
% Arguments of one option.
    flag = ['--' strrep(name, '_', '-')];
    if isempty(value)
        words = {};
    elseif islogical(value)
        words = repmat({flag}, 1, double(value(1)));
    elseif iscell(value)
        texts = list_texts(name, value);
        words = cellfun(@(text) [flag, '=', text], texts, 'UniformOutput', false);
    else
        words = {[flag, '=', write_value(name, value)]};
    end
end

function texts = list_texts(name, values)
% Texts of a cell: one for each row of label and value, or one for each item.
    labelled = {'hed', 'event', 'until', 'trim', 'within', 'min_duration', 'exclude', 'during', ...
        'around', 'annotations', 'hed_sidecar', 'set', 'storage_option', 'endpoint', 'where'};
    texts = {};
    if size(values, 2) == 2 && any(strcmp(name, labelled))
        for k = 1:size(values, 1)
            value = write_value(name, values{k, 2});
            if ~isempty(values{k, 1})
                value = [values{k, 1} '=' value]; %#ok<AGROW>
            end
            texts{end + 1} = value; %#ok<AGROW>
        end
    else
        for k = 1:numel(values)
            texts{end + 1} = write_value(name, values{k}); %#ok<AGROW>
        end
    end
end

function text = write_value(name, value)
% Text of one value.
    if ischar(value)
        text = value;
    elseif isnumeric(value) || islogical(value)
        parts = cell(1, numel(value));
        for k = 1:numel(parts)
            parts{k} = write_number(double(value(k)));
        end
        text = sprintf('%s,', parts{:});
        text = text(1:end - 1);
    else
        error('bidsdl:options', '%s: the value has class %s; give text or numbers', name, ...
            class(value));
    end
end

function text = write_number(value)
% A number with as many digits as it needs.
    text = sprintf('%.15g', value);
    if str2double(text) ~= value
        text = sprintf('%.17g', value);
    end
end
