function prepare(varargin)
% PREPARE - give the answers of the next windows of inputgui, and forget the earlier windows.
%
% Each answer is a structure of tag and value that replaces what the window shows, or 'cancel'.
% Afterwards the global WINDOWS holds the title and the values that each window opened with,
% and the global DIALOGS the texts of message boxes.
    global ANSWERS WINDOWS DIALOGS
    ANSWERS = varargin;
    WINDOWS = {};
    DIALOGS = {};
end
