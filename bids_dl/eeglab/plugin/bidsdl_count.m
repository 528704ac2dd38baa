function text = bidsdl_count(number, singular, plural)
% BIDSDL_COUNT - a number with its noun: '1 window', '2 windows'.
%
% Usage:
%   >> text = bidsdl_count(number, singular, plural);
%
% Inputs:
%   number   - [number] a count
%   singular - [text] the noun
%   plural   - [text] the noun for other numbers than 1; default: the noun with an s
%
% Outputs:
%   text     - [text] number and noun
%
% See also: BIDSDL_SUMMARY

% Copyright (c) 2026, the bids_dl developers. BSD 3-Clause License, see the file LICENSE.

    noun = singular;
    if number ~= 1
        noun = [singular 's'];
        if nargin > 2
            noun = plural;
        end
    end
    text = sprintf('%d %s', number, noun);
end
