function bidsdl_dialog(content, title)
% BIDSDL_DIALOG - show a message, or an error, in a message box and in the command window.
%
% Usage:
%   >> bidsdl_dialog(problem);          % an error that was caught
%   >> bidsdl_dialog(text, title);      % a message
%
% Inputs:
%   problem - [MException] If Python is missing, the box has a button to choose one, which is kept.
%   text    - [text] may have line ends
%   title   - [text] title of the box
%
% Errors that are no messages of BIDS-DL are raised again, because they are mistakes of the
% plug-in that somebody has to see in full.
%
% See also: BIDSDL_CHECK, BIDSDL_PYTHON

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if ischar(content)
        warndlg2(shorten(content), title);
        return
    end
    if ~strncmp(content.identifier, 'bidsdl:', 7)
        rethrow(content);
    end
    fprintf('BIDS-DL: %s\n', content.message);
    text = shorten(content.message);
    if strcmp(content.identifier, 'bidsdl:python')
        choose_python(text);
    else
        errordlg2(text, 'BIDS-DL');
    end
end

function choose_python(text)
% Show that Python is missing, and let the person choose one.
    button = questdlg2(text, 'BIDS-DL: Python is missing', 'Cancel', 'Choose...', 'Choose...');
    if ~strcmp(button, 'Choose...')
        return
    end
    [name, folder] = uigetfile('*', 'Choose the program python');
    if ischar(name)
        try
            bidsdl_python(fullfile(folder, name));
        catch problem
            errordlg2(shorten(problem.message), 'BIDS-DL');
        end
    end
end

function text = shorten(text)
% Lines that fit the screen: 100 characters wide, at most 25 lines.
    text = bidsdl_wrap(text, 100);
    lines = regexp(text, '\n', 'split');
    if numel(lines) > 25
        rest = sprintf('... and %d more lines in the command window', numel(lines) - 24);
        text = strjoin([lines(1:24), {rest}], char(10)); %#ok<CHARTEN>
    end
end
