"""Wrong uses of commands and functions: one short message that names what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import bids_dl
from bids_dl.errors import (
    ArgumentTypeError,
    ArrayNameError,
    ConditionError,
    ConfigError,
    ModelError,
    NoMatchError,
    QueryError,
    SourceError,
    StoreError,
    TargetError,
    WindowError,
)

MAX_LINES = 4
LEAK = re.compile(r"Traceback|nput should|unable to parse|pydantic|object at 0x")
LEAKED_NONE = re.compile(r"(?<!or )None")  # "a function or None" is meant for readers
ARGUMENT = re.compile(r"[a-z]=(True|None|\.\.\.)")  # as only Python has it
FLAG = re.compile(r"(?<![\w-])--[a-z]")

SOURCE = "SOURCE"
STORE = "STORE"
EVENTS = ("events", SOURCE, "--hed", "Eyes-open")
CONVERT = ("convert", SOURCE, "x.zarr", "--hed", "Eyes-open")
TRAIN = ("train", STORE, "--device", "cpu")

COMMANDS = [
    (("conver",), "conver"),
    (("events", SOURCE), "give one with --hed QUERY"),
    (("events", "nosuch", "--hed", "Rest"), "nosuch: no such folder"),
    (("events", "SOURCE/participants.tsv", "--hed", "Rest"), "participants.tsv"),
    (("events", SOURCE, "--hd", "Rest"), "--hd"),
    (("events", SOURCE, "--hed", "Letter"), "Letter is a HED tag"),
    (("events", SOURCE, "--hed", "Eyes_open"), 'Try:  --hed eyes_open="Eyes-open"'),
    (("events", SOURCE, "--hed", "(Red"), "(Red"),
    (("events", SOURCE, "--hed", "=Eyes-open"), "--hed =Eyes-open: expected a label"),
    ((*EVENTS, "--hed", "Eyes-open=Eyes-closed"), "two queries have the label 'Eyes-open'"),
    ((*EVENTS, "--until", "nxt"), '--until "nxt": nxt'),
    ((*EVENTS, "--until", "-3"), "--until must be longer than 0 s, got -3"),
    ((*EVENTS, "--exclude", "Artifact"), '--exclude "Artifact"'),
    ((*EVENTS, "--during", "Asleep"), '--during "Asleep"'),
    ((*EVENTS, "--trim", "a,b"), "--trim a,b: expected SECONDS or FROM,TO"),
    ((*EVENTS, "--trim", "eyes=3"), "--trim: no query has the label 'eyes'"),
    ((*EVENTS, "--within", "3"), "--within 3: expected FROM,TO"),
    ((*EVENTS, "--min-duration", "x"), "--min-duration 'x': expected a number"),
    ((*EVENTS, "--around", "Eyes-open"), "--around"),
    ((*EVENTS, "--around", "Eyes-open", "x"), "--around"),
    ((*EVENTS, "--overlap", "last"), "--overlap 'last' is not one of"),
    ((*EVENTS, "--subject", "9"), "subject 9"),
    ((*EVENTS, "--task", "rest"), "task rest"),
    ((*EVENTS, "--hed-version", "9.9.9"), "--hed-version '9.9.9' is not an available HED schema"),
    ((*EVENTS, "--hed-schema-dir", "nosuch"), "--hed-schema-dir nosuch: no such folder"),
    ((*EVENTS, "--window", "2s"), "--window '2s': expected a number"),
    ((*EVENTS, "--window", "0"), "--window must be positive, got 0 s"),
    ((*EVENTS, "--window", "nan"), "--window nan: expected a finite number"),
    ((*EVENTS, "--stride", "1"), "--stride needs --window"),
    ((*EVENTS, "--tmin", "1"), "--tmin 1 needs --tmax"),
    ((*EVENTS, "--tmin", "1", "--tmax", "0"), "--tmin must be less than --tmax, got 1 and 0"),
    ((*EVENTS, "--window", "2", "--tmin", "0", "--tmax", "1"), "(--tmin, --tmax), not both"),
    ((*EVENTS, "--plot", "x.xyz"), "--plot x.xyz: give a file that ends in"),
    ((*EVENTS, "--config", "nosuch.yaml"), "--config nosuch.yaml: cannot be read"),
    ((*EVENTS, "--where", "nosuch=1"), "--where nosuch=1: there is no column 'nosuch'"),
    ((*EVENTS, "--where", "Age"), "--where Age: expected COLUMN=VALUE"),
    ((*EVENTS, "--where", "Age=x..y"), "--where Age=x..y"),
    ((*EVENTS, "--where", "Age=90..99"), "--where Age=90..99 matches none of 4 subjects"),
    ((*EVENTS, "--whole"), "--whole takes whole recordings and --hed selects parts of them"),
    ((*EVENTS, "--hed-sidecar", "nosuch.json"), "--hed-sidecar nosuch.json: cannot be read"),
    (("events", SOURCE, "--event", "nosuch"), "--event nosuch: no events.tsv"),
    (("events", SOURCE, "--event", "value==T9"), "no row has T9 in the column value"),
    (("events", SOURCE, "--event", "value=T0"), "--event value=T0: expected COLUMN, COLUMN==VAL"),
    (("events", SOURCE, "--make-sidecar", "nodir/x.json"), "folder nodir does not exist"),
    (("events", SOURCE, "--make-sidecar", "x.txt"), "x.txt: give a file that ends in .json"),
    (("convert", SOURCE), "convert takes SOURCE... DEST"),
    (("convert", SOURCE, "x.zarr"), "give one with --hed QUERY"),
    ((*CONVERT, "--min-duration", "1000"), "--min-duration is 1000 s"),
    ((*CONVERT, "--window", "100"), "gives a window of 100 s"),
    ((*CONVERT, "--split", "0.5,0.6"), "--split must be up to three fractions"),
    ((*CONVERT, "--split", "site"), "--split site"),
    ((*CONVERT, "--stratify", "site"), "--stratify site: ds004362/participants.tsv has no such"),
    ((*CONVERT, "--scheduler", "nosuch"), "--scheduler nosuch: expected an address such as"),
    ((*CONVERT, "--memory", "8"), "--memory"),
    ((*CONVERT, "--seed", "-1"), "--seed -1: expected a number of at least 0"),
    ((*CONVERT, "--dtype", "int8"), "--dtype 'int8' is not one of"),
    ((*CONVERT, "--recipe", "defalt"), "no recipe 'defalt', did you mean 'default'?"),
    ((*CONVERT, "--recipe", "nosuch.yaml"), "nosuch.yaml"),
    ((*CONVERT, "--set", "filter.hgih=3"), "no parameter 'hgih', did you mean 'high'?"),
    ((*CONVERT, "--set", "bandpass.low=1"), "no step 'bandpass', did you mean 'filter'?"),
    ((*CONVERT, "--set", "filter.low=a"), "low = 'a': expected a number"),
    ((*CONVERT, "--set", "filter"), "--set filter: expected KEY=VALUE"),
    ((*CONVERT, "--memory", "lots"), "--memory lots: expected a size"),
    ((*CONVERT, "--jobs", "0"), "--jobs 0: expected a number of at least 1"),
    ((*CONVERT, "--storage-option", "anon"), "--storage-option: expected KEY=VALUE"),
    ((*CONVERT, "--license", "free"), "--license 'free'"),
    ((*CONVERT, "--title", " "), "title ' '"),
    (("info", "nosuch.zarr"), "nosuch.zarr: no store there"),
    (("info", SOURCE), "not a bids-dl store"),
    (("verify", "nosuch.zarr"), "nosuch.zarr: no store there"),
    (("verify", STORE, "--source", "nosuch"), "nosuch: no such folder"),
    (("report", "nosuch.zarr"), "nosuch.zarr: no store there"),
    (("report", STORE, "-o", "nodir/x.html"), "--output nodir/x.html: folder nodir does not"),
    (("export", STORE, "x.xyz"), "x.xyz: no format has this ending"),
    (("export", STORE, "nodir/x.npz"), "nodir"),
    (("recipes", "nosuch"), "no recipe 'nosuch'"),
    (("models", "nosuch"), "nosuch"),
    (("demo", "--jobs", "two"), "--jobs 'two': expected an integer"),
    ((*TRAIN, "--model", "deep5"), "unknown model 'deep5', did you mean 'deep4'?"),
    ((*TRAIN, "--model-option", "layers=3"), "has no option 'layers'; available: n_filters"),
    ((*TRAIN, "--model-option", "n_filters=a"), "option n_filters 'a': expected an integer"),
    ((*TRAIN, "--stratify", "Gender"), "--stratify Gender balances folds"),
    ((*TRAIN, "--target", "Handedness"), "have no 'Handedness'; --drop-missing leaves"),
    ((*TRAIN, "--target", "lable"), "no column 'lable'"),
    ((*TRAIN, "--target", "Age", "--target-kind", "shares"), "kind shares is two or more"),
    ((*TRAIN, "--target", "subject"), "'subject' cannot be a target"),
    ((*TRAIN, "--folds", "lozo"), "'lozo'"),
    ((*TRAIN, "--folds", "100"), "100 folds of 4"),
    ((*TRAIN, "--epochs", "2.5"), "--epochs '2.5': expected an integer"),
    ((*TRAIN, "--lr", "-1"), "--lr -1.0: expected a number greater than 0"),
    ((*TRAIN, "--normalize", "foo"), "--normalize 'foo' is not one of"),
    (("train", STORE, "--device", "tpu"), "unknown device 'tpu'; use one of auto, cpu"),
    (("predict", STORE), "--run-dir"),
    (("predict", STORE, "--run-dir", "nosuch"), "nosuch: not a run folder"),
    (("predict", STORE, "--run-dir", "r", "-o", "nodir/x.csv"), "folder nodir does not exist"),
]
"""Arguments of `bids-dl`, and what its message says."""


class Wrong(NamedTuple):
    """A call that must fail: SOURCE and STORE stand for the paths of a dataset and a store."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def wrong(function: Callable[..., Any], *arguments: Any, **options: Any) -> Wrong:
    return Wrong(function, arguments, options)


def events(**options: Any) -> Wrong:
    return wrong(bids_dl.events, SOURCE, **{"hed": "Eyes-open"} | options)


def convert(**options: Any) -> Wrong:
    return wrong(bids_dl.convert, SOURCE, "x.zarr", **{"hed": "Rest"} | options)


def stream(**options: Any) -> Wrong:
    return wrong(bids_dl.StreamingDataset, STORE, **options)


def dataset(**options: Any) -> Wrong:
    return wrong(bids_dl.WindowDataset, STORE, **options)


def train(**options: Any) -> Wrong:
    return wrong(bids_dl.train, STORE, **{"device": "cpu"} | options)


def predict(**options: Any) -> Wrong:
    return wrong(bids_dl.predict, STORE, **options)


def read(store: str, name: Any) -> Any:
    return bids_dl.open_store(store).read(name)


def rows(store: str, index: Any) -> Any:
    return bids_dl.open_store(store)[index]


def window(store: str, index: Any) -> Any:
    return bids_dl.WindowDataset(store)[index]


def state(store: str, **options: Any) -> Any:
    return bids_dl.StreamingDataset(store).state_dict(**options)


CALLS = [
    (wrong(bids_dl.events, 3, hed="Rest"), ArgumentTypeError, "sources must be a path, a URL or"),
    (wrong(bids_dl.events, [], hed="Rest"), ConfigError, "sources: the list is empty"),
    (wrong(bids_dl.events, [SOURCE, 3], hed="Rest"), ArgumentTypeError, "sources must be a path"),
    (wrong(bids_dl.events, "nosuch", hed="Rest"), SourceError, "nosuch: no such folder"),
    (events(plot=3), ArgumentTypeError, "plot must be a path or a URL, got int 3"),
    (events(on_message=3), ArgumentTypeError, "on_message must be a function or None, got int 3"),
    (events(hed=3), ConfigError, "hed=3: expected a query, which is text"),
    (events(until="nxt"), QueryError, 'until="nxt": nxt is not a HED tag'),
    (events(until=True), ConfigError, "until=True: expected a number"),
    (events(exclude=3), ConfigError, "exclude=3: expected text or a mapping"),
    (events(trim=(1, 2, 3)), ConfigError, "trim=(1, 2, 3): expected"),
    (events(trim=-1), ConfigError, "trim and min_duration must not be negative, got -1,-1 and 0"),
    (events(subject=1), ConfigError, "subject=1: expected text"),
    (events(subject=["001", None]), ConfigError, "subject="),
    (events(windw=2), ConfigError, "unknown option 'windw'; did you mean 'window'?"),
    (events(hed_strict="x"), ConfigError, "hed_strict='x': expected true or false"),
    (wrong(bids_dl.convert, SOURCE, 3, hed="Rest"), ArgumentTypeError, "dest must be a path"),
    (wrong(bids_dl.convert, SOURCE, "", hed="Rest"), ArgumentTypeError, "dest must be a path"),
    (wrong(bids_dl.convert, SOURCE, "x.zarr"), ConfigError, "give one with hed=QUERY"),
    (convert(window="2s"), ConfigError, "window='2s': expected a number"),
    (convert(window=True), ConfigError, "window=True: expected a number"),
    (convert(hed="Eyes-open", window=100), WindowError, "choose shorter windows (window)"),
    (convert(split=(0.5, 0.6)), ConfigError, "split must be up to three fractions"),
    (convert(seed=1.5), ConfigError, "seed=1.5: expected an integer"),
    (convert(dtype="int8"), ConfigError, "dtype='int8': expected one of float32, int16"),
    (convert(config=3), ArgumentTypeError, "config must be a path or a URL, got int 3"),
    (convert(storage_options="anon"), ConfigError, "storage_options: expected KEY=VALUE"),
    (convert(author=[3]), ConfigError, "author 3: expected a text"),
    (convert(on_progress=3), ArgumentTypeError, "on_progress must be a function or None"),
    (convert(where={"nosuch": "1"}), SourceError, "there is no column 'nosuch'"),
    (convert(whole=True), ConfigError, "whole=True takes whole recordings and hed selects"),
    (wrong(bids_dl.make_sidecar, SOURCE, 3), ArgumentTypeError, "file must be a path or a URL"),
    (wrong(bids_dl.info, b"a"), ArgumentTypeError, "store must be a path or a URL"),
    (wrong(bids_dl.info, "nosuch"), StoreError, "nosuch: no store there"),
    (wrong(bids_dl.verify, STORE, sources=3), ArgumentTypeError, "sources must be a path"),
    (wrong(bids_dl.verify, STORE, jobs="x"), ConfigError, "jobs='x': expected an integer"),
    (wrong(bids_dl.report, STORE, output=3), ArgumentTypeError, "output must be a path"),
    (wrong(bids_dl.report, STORE, output="nodir/x"), ConfigError, "output nodir/x: folder nodir"),
    (wrong(bids_dl.export, STORE, 3), ArgumentTypeError, "file must be a path or a URL"),
    (wrong(bids_dl.export, STORE, "x.npz", overwrite="no"), ArgumentTypeError, "overwrite must be"),
    (wrong(bids_dl.open_store, 3), ArgumentTypeError, "url must be a path or a URL"),
    (wrong(read, STORE, "lable"), ArrayNameError, "did you mean 'label'?"),
    (wrong(rows, STORE, "label"), ArgumentTypeError, "the index of a store must be a row number"),
    (wrong(window, STORE, "a"), ArgumentTypeError, "the index of a WindowDataset must be an int"),
    (wrong(state, STORE, step="a"), ArgumentTypeError, "step must be an integer, got str 'a'"),
    (wrong(bids_dl.StreamingDataset, 3), ArgumentTypeError, "store must be a path, a URL, a Store"),
    (stream(batch_size="32"), ArgumentTypeError, "batch_size must be an integer, got str '32'"),
    (stream(batch_size=None), ArgumentTypeError, "batch_size must be an integer, got"),
    (stream(normalize=True), ArgumentTypeError, "normalize must be one of window, recording"),
    (stream(normalize="foo"), ConfigError, "normalize 'foo': use one of window, recording"),
    (stream(transform=3), ArgumentTypeError, "transform must be a function or None, got int 3"),
    (stream(target="lable"), TargetError, "did you mean 'label'?"),
    (stream(split="val"), NoMatchError, "did you mean 'validation'?"),
    (stream(split=3), ArgumentTypeError, "split must be the name of a split"),
    (stream(where={"colour": "red"}), ConditionError, "no column 'colour'"),
    (stream(where={"subject": 1}), ConditionError, "where subject: the column contains text"),
    (stream(where=np.ones(3, bool)), ConditionError, "where must be a mapping"),
    (stream(where=3), ArgumentTypeError, "where must be a mapping"),
    (stream(shuffle="no"), ArgumentTypeError, "shuffle must be True or False, got str 'no'"),
    (stream(cache_bytes="1GB"), ArgumentTypeError, "cache_bytes must be an integer"),
    (stream(rank=3, world_size=2), ConfigError, "rank and world_size must be set together"),
    (stream(storage_options=[1]), ArgumentTypeError, "storage_options must be a mapping"),
    (dataset(transform=4), ArgumentTypeError, "transform must be a function or None, got int 4"),
    (dataset(drop_missing="no"), ArgumentTypeError, "drop_missing must be True or False"),
    (train(model="shalow-fbcsp"), ConfigError, "did you mean 'shallow-fbcsp'?"),
    (train(model_options=3), ConfigError, "model_options=3: expected KEY=VALUE"),
    (train(target="Handedness"), TargetError, "drop_missing=True leaves them out"),
    (train(model_options={"dropout": "x"}), ConfigError, "option dropout 'x': expected a number"),
    (train(epochs=True), ConfigError, "epochs=True: expected a number"),
    (train(lr=-1.0), ConfigError, "lr=-1.0: expected a number greater than 0"),
    (train(normalize="foo"), ConfigError, "expected one of auto, window, recording"),
    (train(batch_size="a"), ConfigError, "batch_size='a': expected an integer"),
    (train(run_dir=3), ArgumentTypeError, "run_dir must be a path or a URL, got int 3"),
    (train(on_event=3), ArgumentTypeError, "on_event must be a function or None, got int 3"),
    (predict(run_dir=4), ArgumentTypeError, "run_dir must be a path, a URL or a list of them"),
    (predict(run_dir="nosuch"), ModelError, "nosuch: not a run folder"),
    (predict(run_dir="nosuch", split=3), ArgumentTypeError, "split must be a text"),
    (predict(run_dir="nosuch", output="nodir/x.csv"), ConfigError, "folder nodir does not exist"),
]
"""Calls, the class of their errors, and what the message says."""


def check_message(message: str, text: str) -> None:
    """Check that a message says a text in one to four lines, and nothing of the code behind it."""
    assert text in message, message
    assert 1 <= len(message.strip().splitlines()) <= MAX_LINES, message
    assert not LEAK.search(message), message


@pytest.mark.parametrize(
    ("arguments", "text"), COMMANDS, ids=[" ".join(arguments) for arguments, _ in COMMANDS]
)
def test_a_wrong_command_says_what_is_wrong_and_writes_nothing(
    command, eegbci, eyes_store, arguments, text
):
    paths = {SOURCE: str(eegbci), "STORE": str(eyes_store)}
    words = [re.sub("^(SOURCE|STORE)", lambda match: paths[match[0]], word) for word in arguments]
    result = command(*words)
    assert result.status == 2, result
    assert result.out == ""
    check_message(result.err, text)
    assert "None" not in result.err
    assert not ARGUMENT.search(result.err), result.err
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(("call", "error", "text"), CALLS, ids=[row[2] for row in CALLS])
def test_a_wrong_call_says_what_is_wrong_and_writes_nothing(
    eegbci, eyes_store, tmp_path, monkeypatch, call, error, text
):
    monkeypatch.chdir(tmp_path)
    paths = {SOURCE: eegbci, STORE: eyes_store}
    arguments = []
    for argument in call.arguments:
        is_path = isinstance(argument, str) and argument in paths
        arguments.append(paths[argument] if is_path else argument)
    with pytest.raises(error) as refusal:
        call.function(*arguments, **call.options)
    assert type(refusal.value) is error
    check_message(str(refusal.value), text)
    assert "None" in str(call) or not LEAKED_NONE.search(str(refusal.value)), str(refusal.value)
    assert not FLAG.search(str(refusal.value)), str(refusal.value)
    assert not list(tmp_path.iterdir())
