function warndlg2(text, title, varargin)
% WARNDLG2 - stand-in for EEGLAB's message box: keeps the text in the global DIALOGS.
    global DIALOGS
    if nargin < 2
        title = '';
    end
    DIALOGS{end + 1} = struct('kind', 'warndlg2', 'title', title, 'text', text);
end
