function bytes = bidsdl_bytes(file, bytes)
% BIDSDL_BYTES - read the bytes of a file, or write text or bytes to one.
%
% Usage:
%   >> bytes = bidsdl_bytes(file);
%   >> bidsdl_bytes(file, text);
%
% Inputs:
%   file - path of the file; its folder is made where it does not exist
%   text - text, written as UTF-8, or uint8 bytes, written as they are
%
% Output:
%   bytes - row of uint8
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        handle = open_file(file, 'r');
        bytes = fread(handle, [1, Inf], 'uint8=>uint8');
        fclose(handle);
        return
    end
    if ischar(bytes)
        bytes = unicode2native(bytes, 'UTF-8');
    end
    folder = fileparts(file);
    if ~isempty(folder) && exist(folder, 'dir') ~= 7
        [made, reason] = mkdir(folder);
        if ~made
            error('bidsdl:file', '%s: cannot be made (%s)', folder, reason);
        end
    end
    handle = open_file(file, 'w');
    fwrite(handle, bytes, 'uint8');
    fclose(handle);
    written = dir(file); % because the system may refuse the bytes when the file is closed
    if written.bytes < numel(bytes)
        error('bidsdl:file', '%s: only %d of %d bytes could be written; is the disk full?', ...
            file, written.bytes, numel(bytes));
    end
end

function handle = open_file(file, mode)
% Open a file, or refuse with the reason of the system.
    [handle, reason] = fopen(file, mode);
    if handle < 0
        error('bidsdl:file', '%s: cannot be opened (%s)', file, reason);
    end
end
