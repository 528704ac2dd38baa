function [python, com] = pop_bidsdl_settings(path)
% POP_BIDSDL_SETTINGS - choose the Python in which bids_dl is installed.
%
% Usage:
%   >> [python, com] = pop_bidsdl_settings;          % open a window
%   >> [python, com] = pop_bidsdl_settings(path);
%
% Inputs:
%   path   - [text] the program python (python.exe under Windows); '' to find it again. It is
%            tried, and kept for the next sessions.
%
% Outputs:
%   python - [text] the Python that is used now; '' if none is found
%   com    - [text] the command for the history of EEGLAB
%
% Whoever installed the plug-in with 'bids-dl eeglab install' need choose nothing.
%
% See also: BIDSDL_PYTHON

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    com = '';
    if nargin < 1
        [python, com] = choose_in_window();
        return
    end
    bidsdl_python(path);
    python = find_python();
    com = bidsdl_command('', 'pop_bidsdl_settings', path);
end

function [python, com] = choose_in_window()
% Ask in a window. After an error the window opens again with what was typed.
    com = '';
    python = find_python();
    typed = struct('python', python);
    while isempty(com)
        state = 'No Python with bids_dl is known. Install it with: pip install bids_dl';
        if ~isempty(typed.python)
            state = 'The Python above runs the commands of this plug-in.';
        end
        uilist = {{'style', 'text', 'string', 'Python with bids_dl'}, ...
            {'style', 'edit', 'tag', 'python', 'string', typed.python, ...
            'horizontalalignment', 'left'}, ...
            {'style', 'pushbutton', 'string', 'Browse...', 'callback', ...
            'bidsdl_browse(gcbf, ''python'', ''*'');'}, ...
            {}, {'style', 'text', 'string', state}, ...
            {}, {'style', 'text', 'string', 'Empty: find it again.'}};
        [unused, unused2, unused3, answer] = inputgui('geometry', {[1 2.6 0.7], [1 3.3], ...
            [1 3.3]}, 'uilist', uilist, 'title', 'Settings -- pop_bidsdl_settings()', ...
            'helpcom', 'pophelp(''pop_bidsdl_settings'');'); %#ok<ASGLU>
        if isempty(answer)
            return
        end
        typed = answer;
        try
            [python, com] = pop_bidsdl_settings(strtrim(typed.python));
        catch problem
            bidsdl_dialog(problem);
        end
    end
end

function python = find_python()
% The Python that is used now, '' if none is found.
    try
        python = bidsdl_python();
    catch
        python = '';
    end
end
