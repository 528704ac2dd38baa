function bidsdl_check(answer)
% BIDSDL_CHECK - turn the answer of bids-dl into an error, unless the work was done.
%
% Usage:
%   >> bidsdl_check(answer);
%
% Inputs:
%   answer - [struct] from BIDSDL_RUN
%
% Nothing happens for status 0 (done) and 3 (done, but some recordings failed). Otherwise the
% error has the message of bids-dl, and one of these identifiers:
%   bidsdl:refused     - status 2: the request cannot be met, and nothing was written
%   bidsdl:interrupted - status 130: run the same again to go on
%   bidsdl:failed      - any other status
%
% See also: BIDSDL_RUN

    switch answer.status
        case {0, 3}
            return
        case 2
            identifier = 'bidsdl:refused';
        case 130
            identifier = 'bidsdl:interrupted';
        otherwise
            identifier = 'bidsdl:failed';
    end
    message = find_message(answer.messages);
    if answer.status == 130
        message = ['Interrupted. What was done is kept: run the same again to go on.' char(10) ...
            message]; %#ok<CHARTEN>
    end
    if isempty(message)
        message = sprintf('bids-dl ended with status %d and no message', answer.status);
    end
    error(identifier, '%s', strtrim(message));
end

function message = find_message(lines)
% The lines from the first one that begins with "error:", else the last lines. Of an error that
% bids-dl did not expect, only the last line says what it is; the others are places in its files.
    found = find(strncmp(lines, 'error:', 6), 1);
    if isempty(found) && any(strncmp(lines, 'Traceback (', 11))
        last = find(~cellfun(@isempty, strtrim(lines)), 1, 'last');
        message = ['bids-dl stopped with an unexpected error: ' strtrim(lines{last}) char(10) ...
            'The lines above in the command window tell where; please report them.']; %#ok<CHARTEN>
        return
    elseif isempty(found)
        found = max(1, numel(lines) - 9);
    end
    lines = lines(found:end);
    if ~isempty(lines)
        lines{1} = strtrim(regexprep(lines{1}, '^error:', ''));
    end
    message = sprintf('%s\n', lines{:});
    message = message(1:max(0, end - 1));
end
