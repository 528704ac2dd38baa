function [EEG, com] = pop_loadset(varargin)
% POP_LOADSET - stand-in for EEGLAB's function: one .set file, with its .fdt if there is one.
    options = struct(varargin{:});
    content = load('-mat', fullfile(options.filepath, options.filename));
    if isfield(content, 'EEG')
        content = content.EEG;
    end
    EEG = eeg_emptyset();
    names = fieldnames(content);
    for k = 1:numel(names)
        EEG.(names{k}) = content.(names{k});
    end
    EEG.filename = options.filename;
    EEG.filepath = options.filepath;
    EEG = eeg_checkset(EEG, 'loaddata');
    com = '';
end
