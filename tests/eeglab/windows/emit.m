function emit(name, result)
% EMIT - print one case as a line of JSON that octave.py reads.
    text = jsonencode(result);
    if isempty(fieldnames(result))
        fprintf('\n{"case":%s}\n', jsonencode(name));
    else
        fprintf('\n{"case":%s,%s\n', jsonencode(name), text(2:end));
    end
end
