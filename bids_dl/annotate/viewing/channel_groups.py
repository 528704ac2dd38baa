"""Groups of channels by their names: shafts of intracranial contacts, regions of the scalp."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bids_dl.annotate.viewing.signals import INTRACRANIAL_TYPES, SHOWN_TYPES, Channel
from bids_dl.source.channels.channel_names import bare_label

PRIMES = str.maketrans("\u2019\u2032\u00b4`", "''''")  # typographic primes of contact names
CONTACT = re.compile(r"([^\W\d_](?:[^\s_-]*[^\s\d_-])?)[\s_-]*0*(\d{1,3})('?)")
ELECTRODE = re.compile(r"(?![am](?![12]$))([a-z]{1,3})(z|[1-9]|1[0-2])h?")  # two ears
OLD_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}
"""Electrodes of the 10-20 system that the 10-10 system renamed, in lower case."""

REGIONS = {
    "frontopolar": ("fp", "n"),
    "anterior frontal": ("af", "afp", "aff"),
    "frontal": ("f", "ffc", "fft"),
    "frontocentral": ("fc", "ft", "fcc", "ftt"),
    "central": ("c", "t", "ccp", "ttp"),
    "centroparietal": ("cp", "tp", "cpp", "tpp"),
    "parietal": ("p", "ppo"),
    "parieto-occipital": ("po", "poo"),
    "occipital": ("o", "oi", "i"),
    "ears": ("a", "m"),
}
"""Regions of the scalp from the front to the back, with the letters of their electrodes."""

REGION_OF_LETTERS = {
    letters: region for region, spellings in REGIONS.items() for letters in spellings
}
MIN_ELECTRODES = 0.5  # share of the scalp channels with 10-05 names, below which none has a region


@dataclass(frozen=True, slots=True)
class Contact:
    """Place of an intracranial contact: its shaft, and its number from the tip."""

    shaft: str
    number: int


def parse_contact(name: str) -> Contact | None:
    """Parse the name of an intracranial contact, None if the name has another form.

    Parameters
    ----------
    name
        Name of a channel, such as ``A1``, ``B'10``, ``POL LA03`` or ``EEG TB'2-Ref``.

    Examples
    --------
    >>> parse_contact("B'10"), parse_contact("EEG LA03-Ref"), parse_contact("Fp1-F7")
    (Contact(shaft="B'", number=10), Contact(shaft='LA', number=3), None)
    """
    match = CONTACT.fullmatch(bare_label(name.translate(PRIMES)).strip())
    return None if match is None else Contact(match[1] + match[3], int(match[2]))


def canonical_electrode(name: str) -> str:
    """Return the 10-10 name of an electrode in lower case, "" for names of another form.

    Parameters
    ----------
    name
        Name of a channel, such as ``FP1``, ``T3``, ``EEG Cz-Ref`` or ``Fc5.``.

    Examples
    --------
    >>> [canonical_electrode(name) for name in ("FP1", "T3", "EEG T6-Ref", "Fc5.", "ECG")]
    ['fp1', 't7', 'p8', 'fc5', '']
    """
    bare = bare_label(name).strip().casefold()
    bare = OLD_NAMES.get(bare, bare)
    match = ELECTRODE.fullmatch(bare)
    return bare if match and match[1] in REGION_OF_LETTERS else ""


def find_region(name: str) -> str:
    """Return the region of a scalp electrode, "" for names of another form.

    Examples
    --------
    >>> find_region("Fp1"), find_region("T5"), find_region("X9")
    ('frontopolar', 'parietal', '')
    """
    electrode = canonical_electrode(name)
    match = ELECTRODE.fullmatch(electrode)
    return REGION_OF_LETTERS[match[1]] if match else ""


def make_channels(
    names: Sequence[str], kinds: Sequence[str], bads: Sequence[str] = ()
) -> tuple[Channel, ...]:
    """Make the channels that pages can show, with their groups.

    Parameters
    ----------
    names, kinds
        Names of all channels of a recording, and their types in MNE.
    bads
        Names of the bad channels.

    Returns
    -------
    tuple of Channel
        Channels in volts, in the order given.

    Examples
    --------
    >>> channels = make_channels(["Fz", "Cz", "EOG", "Status"], ["eeg", "eeg", "eog", "stim"])
    >>> [(channel.name, channel.group) for channel in channels]
    [('Fz', 'frontal'), ('Cz', 'central'), ('EOG', '')]
    """
    scalp = [name for name, kind in zip(names, kinds, strict=True) if kind == "eeg"]
    n_known = sum(bool(canonical_electrode(name)) for name in scalp)
    has_regions = n_known >= MIN_ELECTRODES * len(scalp)
    channels = []
    for name, kind in zip(names, kinds, strict=True):
        if kind not in SHOWN_TYPES:
            continue
        group = ""
        if kind in INTRACRANIAL_TYPES:
            contact = parse_contact(name)
            group = contact.shaft if contact else ""
        elif kind == "eeg" and has_regions:
            group = find_region(name)
        channels.append(Channel(name, kind, group, name in bads))
    return tuple(channels)


def reading_order(channels: Sequence[Channel]) -> list[int]:
    """Return the numbers of channels in the order of a page.

    Scalp electrodes are read from the front to the back, and from the left to the right within a
    region. Shafts are in the order in which the file names them first, and contacts in the order
    of their numbers. Brain signal without a group follows, then all other channels.

    Examples
    --------
    >>> channels = make_channels(["ECG", "C4", "Fz", "C3"], ["ecg", "eeg", "eeg", "eeg"])
    >>> [channels[i].name for i in reading_order(channels)]
    ['Fz', 'C3', 'C4', 'ECG']
    """
    shafts: dict[str, int] = {}
    keys = []
    for number, channel in enumerate(channels):
        if not channel.is_brain:
            place = (2, 0, 0)
        elif not channel.group:
            place = (1, 0, 0)
        elif channel.kind == "eeg":
            place = (0, list(REGIONS).index(channel.group), _from_left(channel.name))
        else:
            contact = parse_contact(channel.name)
            rank = shafts.setdefault(channel.group, len(shafts)) + len(REGIONS)
            place = (0, rank, contact.number if contact else 0)
        keys.append((place, number))
    return [number for _, number in sorted(keys)]


def _from_left(name: str) -> int:
    """Return a number that grows from the left to the right of the head."""
    digits = canonical_electrode(name).rstrip("h").lstrip("abcdefghijklmnopqrstuvwxy")
    if digits == "z":
        return 0
    return int(digits) if int(digits) % 2 == 0 else -int(digits)
