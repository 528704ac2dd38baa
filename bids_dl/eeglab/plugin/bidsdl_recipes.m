function recipes = bidsdl_recipes(fig, tag)
% BIDSDL_RECIPES - recipes of preprocessing, with their descriptions; choose one for a window.
%
% Usage:
%   >> recipes = bidsdl_recipes;      % list them
%   >> bidsdl_recipes(fig, tag);      % choose one, and write its name into a field
%
% Inputs:
%   fig     - [handle] a window
%   tag     - [text] tag of the field
%
% Outputs:
%   recipes - [struct array] with the fields name and description
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_EXPORT

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    if nargin < 2
        recipes = list_recipes();
        return
    end
    try
        recipes = list_recipes();
    catch problem
        bidsdl_dialog(problem);
        return
    end
    texts = cell(1, numel(recipes));
    for k = 1:numel(texts)
        texts{k} = [recipes(k).name ': ' recipes(k).description];
    end
    field = findobj(fig, 'tag', tag);
    current = max([1, find(strcmp({recipes.name}, strtrim(get(field, 'string'))), 1)]);
    uilist = {{'style', 'text', 'string', 'Recipe'}, {'style', 'popupmenu', 'tag', 'choice', ...
        'string', {recipes.name}, 'value', current}, {'style', 'edit', 'tag', 'descriptions', ...
        'string', strjoin(texts, [char(10) char(10)]), 'max', 2, 'enable', 'inactive', ...
        'horizontalalignment', 'left'}}; %#ok<CHARTEN>
    [unused, unused2, unused3, answer] = inputgui('geometry', {[1 6] 1}, 'geomvert', [1 14], ...
        'uilist', uilist, 'title', 'Recipes of preprocessing', 'minwidth', 700); %#ok<ASGLU>
    if ~isempty(answer)
        set(field, 'string', [' ' recipes(answer.choice).name]); % 'default' alone is a command
    end
end

function recipes = list_recipes()
% Ask bids-dl for its recipes.
    answer = bidsdl_run({'recipes', '--json'});
    bidsdl_check(answer);
    recipes = answer.output;
end
