function EEG = bidsdl_load(EEG)
% BIDSDL_LOAD - a dataset with its samples in memory, read from disk where they are there.
%
% Usage:
%   >> EEG = bidsdl_load(EEG);
%
% Input:
%   EEG - dataset whose data are numbers, or the name of the file with them, as in a STUDY
%
% Output:
%   EEG - the dataset, its data as a matrix of channels x samples x epochs
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if ischar(EEG.data)
        size_in_memory = [EEG.nbchan, EEG.pnts, EEG.trials];
        EEG.data = reshape(read_samples(EEG), size_in_memory);
    elseif ~isnumeric(EEG.data)
        EEG.data = EEG.data(:, :, :); % of memory-mapped data
    end
end

function data = read_samples(EEG)
% Read the samples of a dataset: of a .fdt or .dat file, or of the .set file.
    name = EEG.data;
    if isfield(EEG, 'datfile') && ischar(EEG.datfile) && ~isempty(EEG.datfile)
        name = EEG.datfile;
    end
    [unused, stem, extension] = fileparts(name); %#ok<ASGLU>
    if ~any(strcmp(extension, {'.fdt', '.dat'}))
        content = load('-mat', fullfile(EEG.filepath, EEG.filename));
        if isfield(content, 'EEG')
            content = content.EEG;
        end
        data = content.data;
        if ~ischar(data)
            return
        end
        [unused, stem, extension] = fileparts(data); %#ok<ASGLU>
    end
    file = fullfile(EEG.filepath, [stem extension]);
    [handle, reason] = fopen(file, 'r', 'ieee-le');
    if handle < 0
        error('bidsdl:refused', '%s: cannot be read (%s); load the dataset again', file, reason);
    end
    data = fread(handle, Inf, 'float32=>float32');
    fclose(handle);
    expected = EEG.nbchan * EEG.pnts * EEG.trials;
    if numel(data) ~= expected
        error('bidsdl:refused', ['%s has %d values, the dataset promises %d (%d channels, %d ' ...
            'samples, %d epochs); save the dataset again'], file, numel(data), expected, ...
            EEG.nbchan, EEG.pnts, EEG.trials);
    end
    if strcmp(extension, '.dat') % the older format has the samples of a channel in a row
        data = reshape(data, [], EEG.nbchan)';
    end
end
