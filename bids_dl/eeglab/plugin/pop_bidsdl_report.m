function [page, com] = pop_bidsdl_report(store, varargin)
% POP_BIDSDL_REPORT - write a page about a store, and open it in the browser.
%
% Usage:
%   >> [page, com] = pop_bidsdl_report;                  % open a window
%   >> [page, com] = pop_bidsdl_report(store, 'key', value, ...);
%
% Inputs:
%   store    - [text] the store, a folder whose name ends in .zarr
%
% Optional inputs:
%   'output' - [text] page to write (.html); default: a temporary file
%   'show'   - [true|false] open the page in the browser; default true
%
% Outputs:
%   page     - [text] file of the page: what was selected, what was left out and why, and what
%              each step of the preprocessing did
%   com      - [text] the command for the history of EEGLAB
%
% See also: POP_BIDSDL_CONVERT, POP_BIDSDL_LOAD

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    page = '';
    com = '';
    if nargin < 1
        [page, com] = report_by_window();
        return
    end
    options = struct('output', [tempname() '.html'], 'show', true);
    for k = 1:2:numel(varargin) - 1
        if ~isfield(options, varargin{k})
            error('bidsdl:options', 'unknown option ''%s''; use output or show', varargin{k});
        end
        options.(varargin{k}) = varargin{k + 1};
    end
    fprintf('BIDS-DL: writing a page about %s ...\n', store);
    bidsdl_check(bidsdl_run({'report', store, '--output', options.output}));
    page = options.output;
    fprintf('%s\n', page);
    if options.show
        show_page(page);
    end
    com = bidsdl_command('', 'pop_bidsdl_report', store, varargin{:});
end

function show_page(page)
% Open a page in the browser. Without a browser the path in the command window is enough.
    address = ['file://' strrep(page, '\', '/')];
    if ispc
        address = ['file:///' strrep(page, '\', '/')];
    end
    try
        web(strrep(address, ' ', '%20'), '-browser');
    catch problem
        fprintf('BIDS-DL: no browser could be opened (%s)\n', problem.message);
    end
end

function [page, com] = report_by_window()
% Ask in a window. After an error the window opens again with what was typed.
    page = '';
    com = '';
    typed = struct('store', '', 'output', '');
    while isempty(com)
        uilist = {{'style', 'text', 'string', 'Store (a folder *.zarr)'}, ...
            {'style', 'edit', 'tag', 'store', 'string', typed.store, ...
            'horizontalalignment', 'left'}, ...
            {'style', 'pushbutton', 'string', 'Browse...', 'callback', ...
            'bidsdl_browse(gcbf, ''store'', ''folder'');'}, ...
            {'style', 'text', 'string', 'Page to write (*.html)'}, ...
            {'style', 'edit', 'tag', 'output', 'string', typed.output, ...
            'horizontalalignment', 'left'}, ...
            {'style', 'text', 'string', 'empty: temporary'}};
        [unused, unused2, unused3, answer] = inputgui('geometry', {[1.3 2.4 0.9], ...
            [1.3 2.4 0.9]}, 'uilist', uilist, ...
            'title', 'Report of a store -- pop_bidsdl_report()', ...
            'helpcom', 'pophelp(''pop_bidsdl_report'');'); %#ok<ASGLU>
        if isempty(answer)
            return
        end
        typed = answer;
        try
            if isempty(strtrim(typed.store))
                error('bidsdl:typed', 'store: the field is empty; give the folder of a store');
            end
            options = {};
            if ~isempty(strtrim(typed.output))
                options = {'output', strtrim(typed.output)};
            end
            [page, com] = pop_bidsdl_report(strtrim(typed.store), options{:});
        catch problem
            bidsdl_dialog(problem);
        end
    end
end
