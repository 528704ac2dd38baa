"""Recordings of a plan that have the same samples, as copies and hard links have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_dl import source
from bids_dl.datamodel import Recording
from bids_dl.wording import count


def find_shared_samples(
    recordings: Sequence[Recording], hashed: Mapping[str, source.HashedFiles]
) -> list[str]:
    """Warn if recordings have the same samples, which is worst if they are of several persons.

    Parameters
    ----------
    hashed
        Checksums of the files of each recording, by recording key.
    """
    first_with: dict[tuple[str, ...], Recording] = {}  # by checksums of the samples
    shared = []
    for recording in recordings:
        first = first_with.setdefault(hashed[recording.key].samples_digests, recording)
        if first is not recording:
            shared.append((recording, first))
    if not shared:
        return []
    between_persons = [pair for pair in shared if pair[0].person != pair[1].person]
    recording, first = (between_persons or shared)[0]
    effect = "windows are stored twice"
    if between_persons:
        effect += ", and a test on another split is not independent"
    return [
        f"{count(len(shared), 'recording')} with the samples of another one, such as "
        f"{recording.key} with those of {first.key}: {effect}; "
        "list copies in .bidsignore to leave them out"
    ]
