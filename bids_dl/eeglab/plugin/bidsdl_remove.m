function bidsdl_remove(folder)
% BIDSDL_REMOVE - remove a folder with its content, without Octave's question.
%
% Usage:
%   >> bidsdl_remove(folder);
%
% Input:
%   folder - existing folder
%
% See also: BIDSDL_REPLACE

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if exist('OCTAVE_VERSION', 'builtin')
        previous = confirm_recursive_rmdir(false);
        restore = onCleanup(@() confirm_recursive_rmdir(previous)); %#ok<NASGU>
    end
    [removed, reason] = rmdir(folder, 's');
    if ~removed
        error('bidsdl:file', '%s: cannot be removed (%s)', folder, reason);
    end
end
