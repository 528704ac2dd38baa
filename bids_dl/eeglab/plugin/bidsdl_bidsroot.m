function root = bidsdl_bidsroot(EEG, study)
% BIDSDL_BIDSROOT - folder of the BIDS dataset that a dataset or its STUDY was imported from.
%
% Usage:
%   >> root = bidsdl_bidsroot(EEG, STUDY);
%
% Inputs:
%   EEG   - one dataset
%   STUDY - its STUDY, or []
%
% Output:
%   root - the folder above 'derivatives' with a dataset_description.json, else the innermost
%          folder above the file with one; '' if there is none
%
% EEGLAB imports BIDS into BIDS/derivatives/eeglab.
%
% See also: BIDSDL_HED

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    root = '';
    for owner = {EEG, study}
        if isempty(root) && isfield(owner{1}, 'filepath') && ischar(owner{1}.filepath)
            root = find_root(owner{1}.filepath);
        end
    end
end

function root = find_root(folder)
% Return the root above a folder: first that of the source of a derivative.
    root = '';
    inner = '';
    while ~isempty(folder)
        [parent, name] = fileparts(folder);
        if isempty(inner) && exist(fullfile(folder, 'dataset_description.json'), 'file') == 2
            inner = folder;
        end
        if strcmp(name, 'derivatives') && ...
                exist(fullfile(parent, 'dataset_description.json'), 'file') == 2
            root = parent;
            return
        end
        if strcmp(parent, folder)
            break
        end
        folder = parent;
    end
    root = inner;
end
