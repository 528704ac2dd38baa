function version = bidsdl_version()
% BIDSDL_VERSION - version of this plug-in, that of the Python package bids_dl.
%
% Usage:
%   >> version = bidsdl_version;
%
% Outputs:
%   version - [text] such as '0.1.0'
%
% See also: EEGPLUGIN_BIDSDL

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    version = '0.1.0';
end
