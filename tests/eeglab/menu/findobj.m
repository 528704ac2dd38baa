function handles = findobj(parent, varargin)
% FINDOBJ - stand-in for the built-in: items of the global MENU by one property.
    global MENU
    handles = [];
    for k = 1:numel(MENU)
        if strcmp(MENU(k).(lower(varargin{end - 1})), varargin{end})
            handles(end + 1) = k;
        end
    end
end
