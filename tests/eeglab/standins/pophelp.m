function pophelp(name, varargin)
% POPHELP - stand-in for EEGLAB's help window: prints the help of a function.
    help(name);
end
