"""Channels of a mark, which may name traces of the montage on the screen."""

from __future__ import annotations

from collections.abc import Iterable

from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, RefusedError
from bids_dl.annotate.viewing.montages import make_montage
from bids_dl.annotate.viewing.signals import SignalHeader


def find_channels(
    header: SignalHeader, montage: str | None, names: Iterable[str]
) -> tuple[str, ...]:
    """Return the channels that a mark is about, in the order of the recording.

    Parameters
    ----------
    header
        Channels of the recording.
    montage
        Montage on the screen; None: as recorded.
    names
        Names of channels, or of traces of the montage. Empty for all channels.

    Raises
    ------
    RefusedError
        400 if a name is neither, or the channels do not allow the montage.

    Examples
    --------
    >>> from bids_dl.annotate.viewing.channel_groups import make_channels
    >>> header = SignalHeader(100.0, 60.0, make_channels(["A1", "A2"], ["seeg", "seeg"]))
    >>> find_channels(header, "neighbours", ["A1-A2"])
    ('A1', 'A2')
    """
    known = [channel.name for channel in header.channels]
    of_name: dict[str, tuple[str, ...]] = {name: (name,) for name in known}
    try:
        traces = make_montage(header.channels, montage).traces if montage else ()
    except ValueError as error:
        raise RefusedError(BAD_REQUEST, str(error)) from None
    for trace in traces:
        of_name.setdefault(trace.name, trace.channels)
    chosen: set[str] = set()
    for name in names:
        if name not in of_name:
            raise RefusedError(BAD_REQUEST, f"the recording has no channel {name!r}")
        chosen.update(of_name[name])
    return tuple(name for name in known if name in chosen)
