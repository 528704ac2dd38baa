function [result, userdat, strhalt, resstruct] = inputgui(varargin)
% INPUTGUI - stand-in for EEGLAB's window: answers with what prepare() holds.
    global ANSWERS WINDOWS
    options = varargin;
    uilist = options{find(strcmp(options(1:2:end), 'uilist'), 1) * 2};
    title = '';
    place = find(strcmp(options(1:2:end), 'title'), 1) * 2;
    if ~isempty(place)
        title = options{place};
    end
    geometry = options{find(strcmp(options(1:2:end), 'geometry'), 1) * 2};
    if sum(cellfun(@numel, geometry)) ~= numel(uilist)
        error('inputgui: the geometry has another number of elements than the list');
    end
    shown = struct();
    for k = 1:numel(uilist)
        shown = add_control(shown, uilist{k});
    end
    WINDOWS{end + 1} = struct('title', title, 'shown', shown);
    if isempty(ANSWERS)
        error('inputgui: no answer is prepared for the window %s', title);
    end
    answer = ANSWERS{1};
    ANSWERS = ANSWERS(2:end);
    result = {};
    userdat = [];
    strhalt = '';
    resstruct = [];
    if ischar(answer)
        return
    end
    resstruct = shown;
    tags = fieldnames(answer);
    for k = 1:numel(tags)
        if ~isfield(shown, tags{k})
            error('inputgui: the window %s has no control %s', title, tags{k});
        end
        resstruct.(tags{k}) = answer.(tags{k});
    end
    result = struct2cell(resstruct)';
    strhalt = 'retuninginputui';
end

function shown = add_control(shown, control)
    if isempty(control)
        return
    end
    style = '';
    tag = '';
    content = '';
    value = 0;
    for k = 1:2:numel(control) - 1
        switch lower(control{k})
            case 'style', style = lower(control{k + 1});
            case 'tag', tag = control{k + 1};
            case 'string', content = control{k + 1};
            case 'value', value = control{k + 1};
        end
    end
    if isempty(tag)
        return
    end
    if strcmp(style, 'edit')
        shown.(tag) = content;
    elseif any(strcmp(style, {'popupmenu', 'checkbox', 'listbox', 'radiobutton'}))
        if strcmp(style, 'popupmenu')
            value = max(value, 1);
        end
        shown.(tag) = value;
    end
end
