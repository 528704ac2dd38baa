"""Items: the windows that experts are asked about, and which of them are kept for testing.

Windows that a strategy chose are no sample of the recordings, so numbers from them are biased. A
fifth of all windows, decided by a hash, is therefore kept for testing: no strategy sees them, and
each fifth question is a random one of them. The hash needs no state, so all experts and all
restarts agree.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bids_dl.annotate.answers.lines import VERSION

TEST_SHARE = 0.2  # of all windows, and of the questions
ID_CHARS = 24  # of a hash: two of a billion items are equal with a probability of 1e-11
REPEATED_SHARE = 0.05  # of the items of an expert that are asked again
REPEAT_DISTANCE = 50  # items of other windows before an item is asked again


@dataclass(frozen=True, slots=True)
class Item:
    """A window to ask about.

    Attributes
    ----------
    id
        Hash of the attributes below, but the purpose.
    dataset, recording
        Name of the dataset, and BIDS path of the recording without suffix and extension.
    onset, duration
        Start and length in s, on the clock of the file.
    channels
        Channels that are asked about; all if empty.
    purpose
        ``"test"`` for a window that never trains a model, else ``"train"``.
    """

    id: str
    dataset: str
    recording: str
    onset: float
    duration: float
    channels: tuple[str, ...]
    purpose: str


def make_item(
    dataset: str,
    recording: str,
    onset: float,
    duration: float,
    *,
    channels: Sequence[str] = (),
    test_share: float = TEST_SHARE,
) -> Item:
    """Make the item of a window, with its purpose.

    Parameters
    ----------
    dataset, recording, onset, duration, channels
        As in `Item`.
    test_share
        Share of all windows that is kept for testing, in [0, 1].

    Examples
    --------
    >>> item = make_item("ds1", "sub-01/eeg/sub-01_task-rest", 4.0, 2.0)
    >>> item.id, item.purpose
    ('82e8b11ad80e47d08fe28ad8', 'train')
    """
    purpose = choose_purpose(dataset, recording, onset, test_share=test_share)
    parts = [dataset, recording, repr(float(onset)), repr(float(duration)), *channels]
    identifier = _hash(parts).hex()[:ID_CHARS]
    return Item(
        identifier, dataset, recording, float(onset), float(duration), tuple(channels), purpose
    )


def choose_purpose(
    dataset: str, recording: str, onset: float, *, test_share: float = TEST_SHARE
) -> str:
    """Return ``"test"`` for a fixed random share of all windows, else ``"train"``.

    Parameters
    ----------
    dataset, recording, onset
        As in `Item`. Windows of other lengths and channels at an onset have the same purpose.
    test_share
        Share of all windows that is kept for testing, in [0, 1].

    Examples
    --------
    >>> purposes = [choose_purpose("ds", "sub-1/eeg/sub-1", onset) for onset in range(1000)]
    >>> purposes.count("test")
    190
    """
    start = _hash(["purpose", dataset, recording, repr(float(onset))])[:8]
    return "test" if int.from_bytes(start) < test_share * 2**64 else "train"


def asks_test(number: int, *, test_share: float = TEST_SHARE) -> bool:
    """Return whether a question is one of the random sample for testing.

    Parameters
    ----------
    number
        Number of the question, counted from 0.
    test_share
        Share of the questions.

    Examples
    --------
    >>> [number for number in range(15) if asks_test(number)]
    [4, 9, 14]
    """
    return count_tests(number + 1, test_share=test_share) > count_tests(
        number, test_share=test_share
    )


def count_tests(n_questions: int, *, test_share: float = TEST_SHARE) -> int:
    """Return the number of questions of the random sample for testing among the first ones.

    Parameters
    ----------
    n_questions
        Number of questions.
    test_share
        Share of the questions.

    Examples
    --------
    >>> [count_tests(n) for n in (4, 5, 9, 10)]
    [0, 1, 1, 2]
    """
    return int(n_questions * test_share + 1e-9)


def items_to_repeat(asked: Sequence[str], n_repeated: int) -> list[str]:
    """Return the items that an expert should answer again, unmarked, the oldest first.

    Agreement with oneself is the limit of any agreement.

    Parameters
    ----------
    asked
        Ids of the items that the expert has answered, in order.
    n_repeated
        Number of items that were asked again so far.

    Returns
    -------
    list of str
        Items answered once, at least `REPEAT_DISTANCE` answers ago; empty if `REPEATED_SHARE` is
        reached.
    """
    if n_repeated >= REPEATED_SHARE * len(asked):
        return []
    counts = Counter(asked)
    old = asked[: max(len(asked) - REPEAT_DISTANCE, 0)]
    return [item for item in old if counts[item] == 1]


def make_answer(
    item: Item, label: str, *, annotator: str, strategy: str = "random", **fields: Any
) -> dict[str, Any]:
    """Make the line of the log for an answer, with a new id and the time of now.

    Parameters
    ----------
    item
        The window.
    label
        Class, or ``"unsure"``.
    annotator
        Pseudonym of the expert.
    strategy
        Name of the strategy that chose the window. Test figures use random windows only.
    **fields
        Other fields of `bids_dl.annotate.answers.lines`, such as ``round``, and ``id`` and ``time``
        if they are known. `Journal.append` checks them.

    Examples
    --------
    >>> item = make_item("ds1", "sub-01/eeg/sub-01_task-rest", 4.0, 2.0)
    >>> line = make_answer(item, "spike", annotator="expert-1", round=3)
    >>> line["label"], line["onset"], line["purpose"], line["round"]
    ('spike', 4.0, 'train', 3)
    """
    line = {
        "version": VERSION,
        "kind": "answer",
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "annotator": annotator,
        "dataset": item.dataset,
        "recording": item.recording,
        "onset": item.onset,
        "duration": item.duration,
        "channels": list(item.channels),
        "label": label,
        "item": item.id,
        "purpose": item.purpose,
        "strategy": strategy,
    }
    return line | fields


def example_answer(**fields: Any) -> dict[str, Any]:
    """Return a valid line of the log, for examples and tests.

    Parameters
    ----------
    **fields
        Fields that replace those of the example.
    """
    item = make_item("ds1", "sub-01/eeg/sub-01_task-rest", 4.0, 2.0)
    known = {
        "id": "00000000-0000-4000-8000-000000000001",
        "time": "2026-01-31T12:00:00.000Z",
        "round": 1,
        "model": None,
        "probabilities": None,
        "display": None,
        "ms": 1200,
    }
    line = make_answer(item, "spike", annotator="expert-1", strategy="mixture")
    return line | known | fields


def _hash(parts: Sequence[str]) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
