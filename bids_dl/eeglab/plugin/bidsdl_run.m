function answer = bidsdl_run(words, config, fields, python)
% BIDSDL_RUN - run the program bids-dl, and return its answer.
%
% Usage:
%   >> answer = bidsdl_run({'events', 'ds004362', '--hed', 'Eyes-open', '--json'});
%   >> answer = bidsdl_run(words, config, fields, python);
%
% Inputs:
%   words     - [cell] arguments of bids-dl, the command first; BIDSDL_ARGUMENTS writes options
%   config    - [struct] options by name, as a file of --config has them; default [], none
%   fields    - [cell] fields of the JSON output that are wanted; default {}, all
%   python    - [text] Python to use; default: what BIDSDL_PYTHON finds
%
% Outputs:
%   answer    - [struct] with the fields
%               status   - [number] 0: done; 2: refused, and nothing was written; 3: done, but
%                          some recordings failed; 130: interrupted, run it again to go on
%               output   - [struct or ''] output of the command, if it is JSON
%               text     - [text] output of the command, if it is no JSON
%               messages - [cell] lines that the command printed besides
%
% The request and the answer are files, so that no shell changes quotes, blanks or accents.
% Messages appear in the command window as they come. BIDSDL_CHECK turns a status into an error.
%
% See also: BIDSDL_CHECK, BIDSDL_ARGUMENTS, BIDSDL_PYTHON

    if nargin < 2
        config = [];
    end
    if nargin < 3
        fields = {};
    end
    if nargin < 4
        python = bidsdl_python();
    end
    name = tempname();
    request = [name '_request.json'];
    reply = [name '_answer.json'];
    content = struct('answer', reply);
    content.arguments = reshape(words, 1, []);
    content.fields = reshape(fields, 1, []);
    if isstruct(config)
        content.config = config;
    end
    remove = onCleanup(@() remove_files({request, reply})); %#ok<NASGU>
    bidsdl_bytes(request, jsonencode(content));
    status = start(python, request);
    if exist(reply, 'file') ~= 2
        error('bidsdl:python', '%s', [python ' could not run bids_dl (status ' num2str(status) ...
            '); the lines above in the command window have the reason.' char(10) ...
            'Install it with: pip install bids_dl' char(10) ...
            'or choose another Python, in which bids_dl is installed.']); %#ok<CHARTEN>
    end
    answer = jsondecode(native2unicode(bidsdl_bytes(reply), 'UTF-8'));
    if ischar(answer.messages)
        answer.messages = {answer.messages};
    elseif isempty(answer.messages)
        answer.messages = {};
    end
    answer.messages = reshape(answer.messages, 1, []);
end

function status = start(python, request)
% Exit status of the bridge. What it prints is shown as it comes.
    previous = getenv('BIDS_DL_REQUEST');
    setenv('BIDS_DL_REQUEST', request);
    restore = onCleanup(@() setenv('BIDS_DL_REQUEST', previous)); %#ok<NASGU>
    if ispc
        quoted = ['"' python '"'];
    else
        quoted = ['''' strrep(python, '''', '''\''''') ''''];
    end
    % -P, because the current folder may hold files with names of modules, such as json.py
    status = system([quoted ' -E -P -m bids_dl.eeglab']);
end

function remove_files(files)
% Remove the files that exist.
    for k = 1:numel(files)
        if exist(files{k}, 'file') == 2
            delete(files{k});
        end
    end
end
