function texts = bidsdl_texts(values, missing)
% BIDSDL_TEXTS - values of EEGLAB as the texts of a column of a TSV file.
%
% Usage:
%   >> texts = bidsdl_texts({EEG.event.type});
%   >> texts = bidsdl_texts(values, missing);
%
% Inputs:
%   values  - [cell] texts and numbers
%   missing - [text] for empty values; default 'n/a'
%
% Output:
%   texts   - [cell] column; each text is that of BIDSDL_TEXT, but made for all values at once,
%             because datasets have thousands of events
%
% See also: BIDSDL_TEXT, BIDSDL_EVENTS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        missing = 'n/a';
    end
    values = values(:);
    texts = cell(numel(values), 1);
    texts(:) = {missing};
    empty = cellfun('isempty', values);
    numbers = cellfun('isclass', values, 'double') & cellfun('prodofsize', values) == 1 & ...
        cellfun('isreal', values);
    if any(numbers)
        written = regexp(sprintf('%.15g\n', values{numbers}), '\n', 'split');
        written = written(1:end - 1);
        written(isnan([values{numbers}])) = {missing};
        texts(numbers) = written;
    end
    rows = cellfun('isclass', values, 'char') & cellfun('size', values, 1) == 1 & ...
        cellfun('ndims', values) == 2 & ~empty;
    if any(rows)
        written = regexprep(values(rows), '\r\n|[\t\r\n\v\f]', ' ');
        written(cellfun('isempty', strtrim(written))) = {missing};
        texts(rows) = written;
    end
    for k = find(~empty & ~numbers & ~rows)'
        texts{k} = bidsdl_text(values{k}, missing);
    end
end
