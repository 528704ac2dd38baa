function EEG = with_hed(EEG)
% WITH_HED - a dataset whose events of the types 1-back, end and e with an accent have HED.
    tags = {'1-back', 'Sensory-event,(Label/1-back,Blue)'; 'end', 'Agent-action,Press'; ...
        char([195 169]), 'Sensory-event,Red'};
    for k = 1:numel(EEG.event)
        EEG.event(k).HED = '';
        found = find(strcmp(tags(:, 1), EEG.event(k).type), 1);
        if ~isempty(found)
            EEG.event(k).HED = tags{found, 2};
        end
    end
end
