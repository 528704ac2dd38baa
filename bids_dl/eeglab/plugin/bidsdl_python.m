function python = bidsdl_python(path)
% BIDSDL_PYTHON - find the Python in which bids_dl is installed, or choose another one.
%
% Usage:
%   >> python = bidsdl_python;                             % find it
%   >> python = bidsdl_python('/home/me/eeg/bin/python');  % check this one, and keep it
%   >> python = bidsdl_python('');                         % forget the one that was kept
%
% Inputs:
%   path   - [text] the program python (python.exe under Windows). It is tried, and kept in the
%            preferences, so that the next session finds it.
%
% Outputs:
%   python - [text] path of the program
%
% The first of these that exists is used:
%   1. the one that was kept ("Settings" in the menu, or this function with a path)
%   2. the environment variable BIDS_DL_PYTHON
%   3. the file python.txt beside this function, which 'bids-dl eeglab install' writes
%   4. the Python of the program bids-dl, if that is on the search path (PATH)
%
% See also: BIDSDL_RUN, POP_BIDSDL_SETTINGS

    if nargin == 0
        python = find_python();
        return
    end
    if isempty(path)
        if ispref('bidsdl', 'python')
            rmpref('bidsdl', 'python');
        end
        python = '';
        return
    end
    check_python(path);
    setpref('bidsdl', 'python', path);
    python = path;
end

function check_python(path)
% Refuse a program in which bids_dl cannot run.
    if exist(path, 'file') ~= 2
        error('bidsdl:typed', '%s: there is no such file; choose the program python', path);
    end
    try
        answer = bidsdl_run({'--version'}, [], {}, path);
    catch problem
        error('bidsdl:typed', '%s', problem.message);
    end
    if answer.status ~= 0
        error('bidsdl:typed', ...
            '%s: cannot run bids_dl (status %d); install it there with: pip install bids_dl', ...
            path, answer.status);
    end
end

function python = find_python()
% The first candidate that is a file.
    [paths, places] = list_candidates();
    tried = '';
    for k = 1:numel(paths)
        if ~isempty(paths{k}) && exist(paths{k}, 'file') == 2
            python = paths{k};
            return
        end
        found = paths{k};
        if isempty(found)
            found = 'nothing';
        end
        tried = [tried char(10) '  ' places{k} ': ' found]; %#ok<AGROW,CHARTEN>
    end
    error('bidsdl:python', '%s', ['BIDS-DL needs a Python with bids_dl, and none was found.' ...
        ' Tried:' tried char(10) 'Install it with: pip install bids_dl' char(10) ...
        'then choose that Python: the file python, or python.exe under Windows.']); %#ok<CHARTEN>
end

function [paths, places] = list_candidates()
% Paths in order, '' for those that are not set, and the places that name them.
    kept = '';
    if ispref('bidsdl', 'python')
        kept = getpref('bidsdl', 'python');
    end
    noted = fullfile(fileparts(mfilename('fullpath')), 'python.txt');
    places = {'setting', 'environment variable BIDS_DL_PYTHON', noted, 'bids-dl on PATH'};
    paths = {kept, getenv('BIDS_DL_PYTHON'), first_line(noted), python_of_program()};
end

function line = first_line(file)
% First line of a text file in UTF-8, '' if there is no such file.
    line = '';
    handle = fopen(file, 'r');
    if handle < 0
        return
    end
    bytes = fread(handle, Inf, '*uint8')';
    fclose(handle);
    lines = bidsdl_lines(native2unicode(bytes, 'UTF-8'));
    if ~isempty(lines)
        line = lines{1};
    end
end

function python = python_of_program()
% Python of the program bids-dl in the folders of PATH, '' if there is none.
    python = '';
    folders = regexp(getenv('PATH'), pathsep, 'split');
    for k = 1:numel(folders)
        program = fullfile(folders{k}, 'bids-dl');
        if ispc && exist([program '.exe'], 'file') == 2
            python = fullfile(folders{k}, 'python.exe'); % in a virtual environment
            if exist(python, 'file') ~= 2
                python = fullfile(fileparts(folders{k}), 'python.exe');
            end
            return
        elseif ~ispc && exist(program, 'file') == 2
            line = first_line(program);
            python = strtrim(regexprep(line, '^#!', ''));
            return
        end
    end
end
