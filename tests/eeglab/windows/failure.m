function text = failure(code)
% FAILURE - message of the error that a command or a function handle ends with, '' if none.
    text = '';
    try
        if ischar(code)
            evalin('base', code);
        else
            code();
        end
    catch problem
        text = problem.message;
    end
end
