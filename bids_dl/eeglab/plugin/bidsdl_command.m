function com = bidsdl_command(result, name, varargin)
% BIDSDL_COMMAND - write the call of a function as text, for the history of EEGLAB.
%
% Usage:
%   >> com = bidsdl_command(result, name, argument1, argument2, ...);
%
% Inputs:
%   result    - [text] what the call assigns, such as '[EEG, com]'; '' for nothing
%   name      - [text] name of the function
%   arguments - text, numbers, true or false, cells of these, or variables. A variable is given
%               as a function handle without arguments, such as @() EEG, and written by its name.
%
% Outputs:
%   com       - [text] a command that evaluates to the same call. Numbers keep all their digits,
%               cells keep their rows, and no character of a text changes.
%
% Example:
%   >> bidsdl_command('', 'pop_bidsdl_convert', {'ds004362'}, 'eyes.zarr', 'window', 2)
%   ans = pop_bidsdl_convert({'ds004362'}, 'eyes.zarr', 'window', 2);
%
% See also: POP_BIDSDL_CONVERT, EEGH

    texts = cellfun(@write_value, varargin, 'UniformOutput', false);
    com = [name '(' join_texts(texts, ', ') ');'];
    if ~isempty(result)
        com = [result ' = ' com];
    end
end

function text = write_value(value)
% Text that evaluates to a value.
    if isa(value, 'function_handle')
        text = strtrim(regexprep(func2str(value), '^@\s*\(\)', ''));
    elseif iscell(value)
        text = ['{' write_rows(value, @(item) write_value(item{1})) '}'];
    elseif ischar(value)
        text = write_text(value);
    elseif numel(value) == 1
        text = write_number(value);
    else
        text = ['[' write_rows(value, @write_number) ']'];
    end
end

function text = write_rows(values, write_item)
% Items of a matrix or a cell, rows parted by semicolons.
    rows = cell(1, size(values, 1));
    for k = 1:numel(rows)
        items = cell(1, size(values, 2));
        for m = 1:numel(items)
            items{m} = write_item(values(k, m));
        end
        rows{k} = join_texts(items, ', ');
    end
    text = join_texts(rows, '; ');
end

function text = write_number(value)
% A number with as many digits as it needs, or true or false.
    if islogical(value)
        names = {'false', 'true'};
        text = names{value + 1};
        return
    end
    value = double(value);
    text = sprintf('%.15g', value);
    if str2double(text) ~= value
        text = sprintf('%.17g', value);
    end
end

function text = write_text(value)
% A text in single quotes. Line ends become char(10).
    value = reshape(value, 1, []);
    text = ['''' strrep(value, '''', '''''') ''''];
    if any(value == 10 | value == 13)
        text = strrep(text, char(13), ''' char(13) ''');
        text = ['[' strrep(text, char(10), ''' char(10) ''') ']'];
    end
end

function text = join_texts(texts, separator)
% Texts with a separator between.
    text = '';
    for k = 1:numel(texts)
        if k > 1
            text = [text separator]; %#ok<AGROW>
        end
        text = [text texts{k}]; %#ok<AGROW>
    end
end
