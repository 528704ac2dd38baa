"""Names of channels: electrodes, pairs of electrodes, contacts of shafts, and other signals.

Most files that lack channels.tsv state no channel types, so that the names decide. The rules are
those of the 10-05 system, of AASM sleep montages and of common amplifiers.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from bids_dl.source.channels.electrode_names import is_electrode

Basis: TypeAlias = Literal[
    "electrode", "pair", "label", "cap", "shaft", "numbered", "signal", "unknown"
]
"""Reason for which a name has its type."""


@dataclass(frozen=True, slots=True)
class NamedType:
    """Type of a channel according to its name."""

    ch_type: str  # MNE's type; "misc" for an unknown name
    basis: Basis


UNKNOWN = NamedType("misc", "unknown")
SIGNAL_WORDS = {
    "ecg": "ecg ekg ecgl ecgr ekgl ekgr electrocardiogram",
    "eog": "eog heog veog leog reog eogl eogr eogh eogv heogl heogr veogl veogr veogu veogd hveog "
    "veo heo veol heol veor heor electrooculogram",
    "emg": "emg emgl emgr chin chinl chinr lchin rchin cchin submental mentalis tibialis "
    "tibialisl tibialisr plm plml plmr lleg rleg legl legr masseter emgchin emgleg",
    "resp": "resp respiration respiratory breath breathing flow airflow pflow cflow tflow nasal "
    "oronasal nasaloral nasalpressure cannula thermistor thermocouple ptaf thor thorax thoracic "
    "thorres abdo abd abdomen abdominal abdores respiband ribcage effort cpap bipap capno etco2 "
    "tco2",
    "gsr": "gsr eda galvanic skinconductance electrodermal",
    "temperature": "temperature rectal",
    "stim": "status trigger triggers trig stimtrak",
    "misc": "spo2 sao2 sp02 osat o2sat oxsat oximeter oxygen pulse pulserate heartrate pleth "
    "plethysmogram plethysmograph plethysmo plet ppg bvp photo photic photodiode photosensor "
    "diode snore snoring position bodyposition posture audio microphone sound speech tracheal "
    "accelerometer accel accx accy accz gyro gyrox gyroy gyroz gyroscope magnetometer imu "
    "marker markers event events annotation annotations dc dcin exg aux counter packet "
    "sync battery impedance bpm bursts suppr",
    "eyegaze": "gaze gazex gazey eyegaze",
    "pupil": "pupil pupill pupilr pupilsize",
}
"""Words that name a signal other than that of the brain, by MNE's type."""

WEAK_SIGNAL_WORDS = {
    "eog": "loc roc lo io so blink eye",
    "emg": "leg legs lat rat arm neck jaw tib ta mass deltoid biceps",
    "resp": "air chest therm belt rip sum co2",
    "gsr": "scr scl",
    "stim": "sti",
    "temperature": "temp",
    "misc": "ox sat hr pr rr acc ain erg ibi leak body pos mic snd light mark din mkr gnd ground "
    "ref vref",
}
"""Words as in `SIGNAL_WORDS`, which may also name a shaft ("LAT1" to "LAT8")."""

EXTRA_ELECTRODES = frozenset(
    (
        *("t1", "t2", "sp1", "sp2", "pg1", "pg2", "cb1", "cb2", "nz"),
        *("f11", "f12", "ft11", "ft12", "tp11", "tp12", "p11", "p12", "po11", "po12"),
    )
)
"""Electrodes of clinical and older caps that are not part of the 10-05 system."""

EAR_ELECTRODES = frozenset({"a1", "a2", "m1", "m2"})
EYE_ELECTRODES = frozenset({"e1", "e2", "e3"})  # AASM; more of them are sensors of a cap
# References that a label states after its electrode
REFERENCE = (
    r"ref|le|lle|ler|ar|avg?|aver?|average|mean|car|cle|cref|vref|org|gnd|g[12]|nose|linked|ears?|"
    r"lm|rm|a1\+?a2|a12|m1\+?m2|m12|\(?[am]1\s*\+\s*[am]2\)?(?:/2)?"
)
REFERENCE_SUFFIX = re.compile(rf"(?<=\S)\s*[-_:/]\s*(?:{REFERENCE})$", re.IGNORECASE)
REPEAT_SUFFIX = re.compile(r"-(?:\d{1,3}|[a-z])$")  # MNE's running number of a repeated label
# "POL" is written before every label by Nihon Kohden, and states no kind
BRAIN_PREFIX = re.compile(
    r"(?:POL[\s_:-]+)?(?:(eeg|ieeg|seeg|ecog|dbs)(?:[\s_:-]+|$))?", re.IGNORECASE
)
LABELLED_EEG = re.compile(r"(?:^|[^a-z])eeg(?:$|[^a-z])", re.IGNORECASE)
PREFIX_TYPES = {"eeg": "eeg", "ieeg": "seeg", "seeg": "seeg", "ecog": "ecog", "dbs": "dbs"}
SEPARATOR = re.compile(r"\s*[-_:/\u2013]\s*")  # between the electrodes of a pair
CONTACT = re.compile(r"([^\d\s_-][^\d]*?)[\s_-]*0*(\d{1,3})('?)")  # stem, number, prime
NUMBERED = re.compile(r"(?:ch|chan|channel|el|elec|electrode|sensor)?[\s_-]*0*(\d{1,3})", re.I)
GENERIC_STEMS = frozenset({"ch", "chan", "channel", "el", "elec", "electrode", "sensor", "eeg"})
CAP_STEMS = frozenset("abcdefgh")  # of BioSemi; EGI numbers its sensors E1, E2, ...
MIN_CAP_SENSORS = 4  # of one letter; fewer may be the ears (A1, A2) or the eyes (E1, E2)
MIN_SHAFT_CONTACTS = 2
SCALP_LIKE_CONTACTS = {1, 2, 3}  # of a shaft whose name is that of a scalp electrode (C1, C2)
KNOWN_LISTS = 256  # of names; most recordings of a dataset have those of others
MIN_NUMBERED = 4  # channels that are numbered alike without a kind


def types_by_name(labels: Sequence[str], *, intracranial: str = "") -> list[NamedType]:
    """Determine the types of channels by their names.

    Parameters
    ----------
    labels
        All channel names of a recording: contacts of one shaft are recognized together.
    intracranial
        MNE's type of intracranial contacts; "" for a recording from the scalp.

    Returns
    -------
    list of NamedType
        ``("misc", "unknown")`` for a name that is not recognized. Channels that are only numbered
        are brain signal if no other name is.

    Examples
    --------
    >>> types = types_by_name(["EEG Fp1-Ref", "C3-M2", "E1-M2", "ECG", "Flow", "X1"])
    >>> [named.ch_type for named in types]
    ['eeg', 'eeg', 'eog', 'ecg', 'resp', 'misc']
    >>> [named.ch_type for named in types_by_name(["LA1", "LA2", "EKG1"], intracranial="seeg")]
    ['seeg', 'seeg', 'ecg']
    """
    return list(_types_by_name(tuple(labels), intracranial))


@lru_cache(maxsize=KNOWN_LISTS)
def _types_by_name(labels: tuple[str, ...], intracranial: str) -> tuple[NamedType, ...]:
    """Determine the types of channels by their names, as `types_by_name`."""
    families = _find_families(labels, intracranial=bool(intracranial))
    types = [_type_of(label, families, intracranial) for label in labels]
    if any(named.basis in {"electrode", "pair", "label", "cap", "shaft"} for named in types):
        return tuple(types)
    numbered = [bool(NUMBERED.fullmatch(bare_label(label))) for label in labels]
    if sum(numbered) < MIN_NUMBERED:
        return tuple(types)
    default = NamedType(intracranial or "eeg", "numbered")
    for i, named in enumerate(types):
        if numbered[i] and named == UNKNOWN:
            types[i] = default
    return tuple(types)


def bare_label(label: str) -> str:
    """Remove the kind of signal and the reference that EDF adds to a name.

    A running number of MNE (``-0``) is kept.

    Examples
    --------
    >>> bare_label("EEG Fp1-Ref"), bare_label("POL LA1"), bare_label("EEG Cz-LE-0")
    ('Fp1', 'LA1', 'Cz-0')
    """
    text = re.sub(r"[\s.\0]+$", "", label)
    match = BRAIN_PREFIX.match(text)
    body = text[match.end() :] if match and match.end() < len(text) else text
    repeat = REPEAT_SUFFIX.search(body)
    if repeat and REFERENCE_SUFFIX.search(body[: repeat.start()]):
        return REFERENCE_SUFFIX.sub("", body[: repeat.start()]) + repeat[0]
    return REFERENCE_SUFFIX.sub("", body)


def number_repeats(labels: Sequence[str]) -> list[str]:
    """Add running numbers to repeated labels, as MNE does when it reads a file.

    Examples
    --------
    >>> number_repeats(["Cz", "Fz", "Cz"])
    ['Cz-0', 'Fz', 'Cz-1']
    """
    names = list(labels)
    if len(set(names)) == len(names):
        return names
    for label in dict.fromkeys(labels):
        places = [i for i, name in enumerate(names) if name == label]
        if len(places) < 2:
            continue
        for number, place in enumerate(places):
            for suffix in (str(number), *string.ascii_lowercase):
                if f"{label}-{suffix}" not in names:
                    names[place] = f"{label}-{suffix}"
                    break
    return names


def _type_of(label: str, families: frozenset[str], intracranial: str) -> NamedType:
    """Determine the type of one name, given the stems of caps or shafts among all names."""
    body = _without_repeat(bare_label(label))
    prefix = _prefix_type(label)
    sides = _sides(body)
    strong = _signal_type(body, SIGNAL_WORDS)
    if strong:
        return NamedType(strong, "signal")
    if _stem(sides[0]) in families and all(
        _stem(side) in families or _is_scalp(side) for side in sides
    ):
        basis: Basis = "shaft" if intracranial else "cap"
        return NamedType(_brain_type(prefix, intracranial), basis)
    if len(sides) == 2 and EAR_ELECTRODES.issuperset(sides):
        return NamedType("misc", "signal")  # the difference of two references has little EEG
    if _is_eye(sides):
        return NamedType("eog", "signal")
    if all(map(_is_scalp, sides)):
        return NamedType("eeg", "electrode" if len(sides) == 1 else "pair")
    weak = _signal_type(body, WEAK_SIGNAL_WORDS)
    if weak:
        return NamedType(weak, "signal")
    if prefix or LABELLED_EEG.search(re.sub(r"\d+", " ", label)):
        is_contact = bool(intracranial and CONTACT.fullmatch(body))
        return NamedType(_brain_type(prefix, intracranial if is_contact else ""), "label")
    return UNKNOWN


def _brain_type(prefix: str, intracranial: str) -> str:
    """Return the type that a label states, or else that of the recording."""
    if prefix in {"", "eeg"}:
        return intracranial or "eeg"
    return prefix


def _prefix_type(label: str) -> str:
    """Return the type of brain signal that a label begins with, "" if it states none."""
    match = BRAIN_PREFIX.match(label)
    return PREFIX_TYPES.get((match[1] or "").casefold(), "") if match else ""


def _without_repeat(body: str) -> str:
    """Remove MNE's running number, unless it is the number of a contact ("LA-1")."""
    stem = REPEAT_SUFFIX.sub("", body)
    is_whole = _is_scalp(stem) or bool(stem and stem[-1].isdigit())
    return stem if is_whole else body


def _sides(body: str) -> list[str]:
    """Split a name into the electrodes of a pair, in lower case, else return the name."""
    text = body.casefold().strip()
    if CONTACT.fullmatch(text) and not SEPARATOR.search(re.sub(r"[\s_-]*\d+'?$", "", text)):
        whole = [text]
        return _joined_pair(text) or whole if not _is_scalp(text) else whole
    sides = list(filter(None, SEPARATOR.split(text)))
    if len(sides) == 2:
        first = CONTACT.fullmatch(sides[0])
        if first and sides[1].isdigit():  # "LA1-2"
            sides[1] = f"{first[1]}{sides[1]}{first[3]}"
        return sides
    return _joined_pair(text) or [text]


def _joined_pair(text: str) -> list[str]:
    """Split a pair that is written without a separator ("C3A2"), [] if it is not one."""
    for i in range(2, len(text) - 1):
        if _is_scalp(text[:i]) and _is_scalp(text[i:]) and text[i - 1].isalnum():
            return [text[:i], text[i:]]
    return []


def _is_scalp(side: str) -> bool:
    """Return whether a name is an electrode of the scalp or the ears."""
    text = side.strip(" .'").casefold()
    return is_electrode(text) or text in EXTRA_ELECTRODES


def _is_eye(sides: Sequence[str]) -> bool:
    """Return whether a name is an electrode beside the eye, alone or against any other."""
    others = set(sides[1:]) - EYE_ELECTRODES
    return sides[0] in EYE_ELECTRODES and all(map(_is_scalp, others))


def _signal_type(body: str, words: dict[str, str]) -> str:
    """Return the type of the first word of a name that names another signal, "" if none does."""
    table = _words_by_name(tuple(words.items()))
    for token in _tokens(body):
        ch_type = table.get(token) or table.get(token.rstrip(string.digits))
        if ch_type:
            return ch_type
    return ""


@cache
def _words_by_name(words: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the type of each word."""
    table = {}
    for ch_type, names in words:
        table.update(dict.fromkeys(names.split(), ch_type))
    return table


def _tokens(body: str) -> Iterable[str]:
    """List a name without separators, its words, and the parts of words in camel case."""
    yield re.sub(r"[^a-z0-9]", "", body.casefold())
    for word in re.findall(r"[A-Za-z0-9]+", body):
        yield word.casefold()
        parts = re.findall(r"[A-Z]?[a-z]{2,}", word)
        if len(parts) > 1:
            yield from map(str.casefold, parts)


def _stem(side: str) -> str:
    """Return the name of the shaft of a contact in lower case, "" for another name."""
    match = CONTACT.fullmatch(side)
    return match[1].casefold().strip() + match[3] if match else ""


def _numbers_by_stem(labels: Sequence[str]) -> dict[str, set[int]]:
    """Collect the numbers of all names that consist of a stem and a number."""
    numbers: dict[str, set[int]] = {}
    for label in labels:
        for side in _sides(_without_repeat(bare_label(label))):
            match = CONTACT.fullmatch(side)
            if match:
                numbers.setdefault(_stem(side), set()).add(int(match[2]))
    return numbers


def _find_families(labels: Sequence[str], *, intracranial: bool) -> frozenset[str]:
    """Find the stems of shafts, or of numbered sensors of a cap.

    Names that are all electrodes of the scalp (C3, C4) are neither, unless they count 1, 2, 3.
    """
    families = set()
    for stem, numbers in _numbers_by_stem(labels).items():
        is_scalp = all(_is_scalp(f"{stem}{number}") for number in numbers)
        if intracranial:
            is_run = numbers >= SCALP_LIKE_CONTACTS
            is_family = is_run or (len(numbers) >= MIN_SHAFT_CONTACTS and not is_scalp)
        else:
            is_family = stem in CAP_STEMS and len(numbers) >= MIN_CAP_SENSORS and not is_scalp
        if is_family:
            families.add(stem)
    return frozenset(families - GENERIC_STEMS)
