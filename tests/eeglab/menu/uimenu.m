function handle = uimenu(parent, varargin)
% UIMENU - stand-in for the built-in: keeps the items of a menu in the global MENU.
    global MENU
    item = struct('parent', parent, 'label', '', 'tag', '', 'callback', '', 'userdata', '', ...
        'separator', 'off', 'position', 0);
    for k = 1:2:numel(varargin)
        item.(lower(varargin{k})) = varargin{k + 1};
    end
    MENU = [MENU, item];
    handle = numel(MENU);
end
