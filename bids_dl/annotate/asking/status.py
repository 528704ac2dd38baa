"""State of the questions as the page shows it: progress, own answers, and the strip."""

from __future__ import annotations

from typing import Any

import numpy as np

from bids_dl.annotate.answers.replay import Answer
from bids_dl.annotate.asking.questions import Questioner
from bids_dl.annotate.asking.reasons import MARK

MAX_ANSWERS = 1000  # that the page lists


def describe_progress(questioner: Questioner, annotator: str | None) -> dict[str, Any]:
    """Return the numbers of the status, but the state of the round.

    Parameters
    ----------
    questioner
        Questions and answers.
    annotator
        Pseudonym of the expert, or None.

    Returns
    -------
    dict
        ``n_answers``, ``n_own``, ``counts`` (answers by label), ``batch`` (``answered``, ``size``),
        ``figures`` (one per round of this process), ``stop`` (``kappa`` of all rounds,
        ``likeliest`` as two numbers), ``agreement`` (``self`` of the expert or None, ``experts`` or
        None), ``n_unanswered`` and ``obstacle`` (reason against a round by request, or None). No
        number is NaN.
    """
    answered = questioner.answered
    own = {} if annotator is None else answered.of_expert(annotator).answers
    result = questioner.result
    agreement = {} if result is None else result.agreement
    return {
        "n_answers": answered.counts.total(),
        "n_own": len(own),
        "counts": {label: number for label, number in answered.counts.items() if number},
        "batch": {"answered": questioner.n_new, "size": questioner.settings.batch},
        "figures": [dict(figures) for figures in questioner.figures],
        "stop": {
            "kappa": list(questioner.kappas),
            "likeliest": [0, 0] if result is None else list(result.likeliest),
        },
        "agreement": {
            "self": agreement.get("self", {}).get(annotator),
            "experts": agreement.get("experts"),
        },
        "n_unanswered": questioner.n_unanswered,
        "obstacle": questioner.find_obstacle(),
    }


def list_answers(
    questioner: Questioner, annotator: str, *, limit: int = MAX_ANSWERS
) -> list[dict[str, Any]]:
    """Return the answers of an expert that hold, the newest first.

    Parameters
    ----------
    questioner
        Questions and answers.
    annotator
        Pseudonym of the expert.
    limit
        Largest number of answers.

    Returns
    -------
    list of dict
        ``id``, ``label``, ``recording`` (number; None if the pool lacks the recording), ``onset``,
        ``duration``, ``channels``, ``strategy`` and ``time``.
    """
    answers = list(questioner.answered.of_expert(annotator).answers.values())[-limit:]
    described = []
    for answer in reversed(answers):
        row = _describe(answer)
        row["recording"] = questioner.windows.find_recording((answer.dataset, answer.recording))
        described.append(row | {"strategy": answer.strategy, "time": answer.time})
    return described


def describe_strip(
    questioner: Questioner, annotator: str | None, recording: int, *, shows_opinion: bool = False
) -> dict[str, Any]:
    """Return the strip of a recording: its windows, the opinion of the model, and own marks.

    Parameters
    ----------
    questioner
        Questions and answers.
    annotator
        Pseudonym of the expert. None has no marks, and sees no opinion about windows that any
        expert is being asked about.
    recording
        Number of the recording.
    shows_opinion
        True shows the opinion about windows that the expert is being asked about, and about those
        that overlap them.

    Returns
    -------
    dict
        ``onsets``, ``durations``, ``probabilities`` (None for windows without one), ``class`` (that
        the probabilities are of) and ``marks`` (``id``, ``onset``, ``duration``, ``label``,
        ``channels``).
    """
    windows = questioner.windows
    rows = windows.rows_of_recording(recording)
    name = questioner.rarest_class()
    probabilities = questioner.probabilities(rows, name)
    if not shows_opinion:
        asked = np.array(sorted(questioner.rows_asked(annotator)), np.int64)
        for position in np.flatnonzero(windows.find_overlapping(asked)[rows]).tolist():
            probabilities[position] = None
    key = windows.recordings[recording]
    marks = []
    own = {} if annotator is None else questioner.answered.of_expert(annotator).answers
    for answer in own.values():
        if answer.strategy == MARK and (answer.dataset, answer.recording) == key:
            marks.append(_describe(answer))
    return {
        "onsets": windows.onset[rows].tolist(),
        "durations": [windows.window_seconds] * len(rows),
        "probabilities": probabilities,
        "class": name,
        "marks": marks,
    }


def _describe(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "label": answer.label,
        "onset": answer.onset,
        "duration": answer.duration,
        "channels": list(answer.channels),
    }
