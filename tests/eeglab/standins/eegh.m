function text = eegh(command, varargin)
% EEGH - stand-in for EEGLAB's history: keeps the newest command first in the global ALLCOM.
    global ALLCOM LASTCOM
    if nargin > 0 && ~isempty(command)
        ALLCOM = [{command}, ALLCOM];
        LASTCOM = command;
    end
    text = char(ALLCOM);
end
