function answer = questdlg2(text, title, varargin)
% QUESTDLG2 - stand-in for EEGLAB's question: keeps the text, and answers with the prepared button.
    global DIALOGS ANSWERS
    DIALOGS{end + 1} = struct('kind', 'questdlg2', 'title', title, 'text', text);
    answer = varargin{end};
    if ~isempty(ANSWERS) && isfield(ANSWERS{1}, 'button')
        answer = ANSWERS{1}.button;
        ANSWERS = ANSWERS(2:end);
    end
end
