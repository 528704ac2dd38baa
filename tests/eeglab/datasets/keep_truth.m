function keep_truth(EEG, file)
% KEEP_TRUTH - write the samples of a dataset as float32, apart from the plug-in.
    handle = fopen(file, 'w', 'ieee-le');
    fwrite(handle, EEG.data(:), 'float32');
    fclose(handle);
end
