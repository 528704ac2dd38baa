function bidsdl_tsv(file, rows)
% BIDSDL_TSV - write rows as a TSV file of BIDS.
%
% Usage:
%   >> bidsdl_tsv(file, rows);
%
% Inputs:
%   file - path of the file
%   rows - struct with the fields columns (1 x m cell array) and cells (n x m cell array) of texts
%
% See also: BIDSDL_EVENTS, BIDSDL_CHANNELS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    line = [repmat('%s\t', 1, numel(rows.columns) - 1) '%s\n'];
    cells = [rows.columns; rows.cells]';
    bidsdl_bytes(file, sprintf(line, cells{:}));
end
