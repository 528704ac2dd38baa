function bidsdl_writeset(EEG, folder, stem)
% BIDSDL_WRITESET - write a continuous dataset as STEM_eeg.set and STEM_eeg.fdt.
%
% Usage:
%   >> bidsdl_writeset(EEG, folder, stem);
%
% Inputs:
%   EEG    - continuous dataset with its samples in memory
%   folder - existing folder
%   stem   - name of the files without '_eeg' and extension
%
% The samples are float32, little-endian, in the .fdt file, so that no variable of the .set has
% more than 2 GB and readers need not load all of them. Equal datasets give equal bytes.
%
% See also: BIDSDL_WRITEBIDS

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    name = [stem '_eeg'];
    write_samples(EEG.data, fullfile(folder, [name '.fdt']));
    kept = {'event', 'urevent', 'chanlocs', 'urchanlocs', 'data'};
    for field = setdiff(fieldnames(EEG)', kept)
        EEG.(field{1}) = plain(EEG.(field{1}));
    end
    EEG.data = [name '.fdt'];
    EEG.datfile = EEG.data;
    EEG.filename = [name '.set'];
    EEG.filepath = '';
    EEG.saved = 'yes';
    for field = {'icaact', 'specdata', 'specicaact', 'times'}
        EEG.(field{1}) = []; % EEGLAB computes these from the samples
    end
    file = fullfile(folder, [name '.set']);
    save(file, '-v6', 'EEG');
    check_complete(file);
    clear_date(file);
end

function check_complete(file)
% Refuse a file that cannot be read back, because Octave's save is silent on a full disk.
    try
        content = load('-mat', file);
        complete = isfield(content, 'EEG');
    catch
        complete = false;
    end
    if ~complete
        error('bidsdl:file', '%s: could not be written completely; is the disk full?', file);
    end
end

function write_samples(data, file)
% Write samples in slices, so that no second copy of all is needed.
    [handle, reason] = fopen(file, 'w', 'ieee-le');
    if handle < 0
        error('bidsdl:file', '%s: cannot be opened (%s)', file, reason);
    end
    step = max(1, floor(4e6 / size(data, 1)));
    for start = 1:step:size(data, 2)
        part = data(:, start:min(start + step - 1, size(data, 2)));
        fwrite(handle, single(part), 'float32');
    end
    fclose(handle);
    written = dir(file);
    if written.bytes < 4 * numel(data)
        error('bidsdl:file', '%s: only %d of %d bytes could be written; is the disk full?', ...
            file, written.bytes, 4 * numel(data));
    end
end

function clear_date(file)
% Write the header of the MAT-file without date and program.
    text = 'MATLAB 5.0 MAT-file';
    handle = fopen(file, 'r+');
    fwrite(handle, [text, repmat(' ', 1, 116 - numel(text))], 'uint8');
    fclose(handle);
end

function value = plain(value)
% Replace what only one program can read back, such as objects and functions, by its class.
    if isstruct(value)
        for k = 1:numel(value)
            for field = fieldnames(value)'
                value(k).(field{1}) = plain(value(k).(field{1}));
            end
        end
    elseif iscell(value)
        for k = 1:numel(value)
            value{k} = plain(value{k});
        end
    elseif ~(isnumeric(value) || ischar(value) || islogical(value))
        value = ['(' class(value) ')'];
    end
end
