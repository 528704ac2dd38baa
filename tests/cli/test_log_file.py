"""The log file of a command: what it holds, and that it disturbs nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CLOSED
from conversions import contents, convert_command

from bids_dl.cli import log_file
from bids_dl.cli.log_file import LogFile, mask_arguments
from bids_dl.errors import ConfigError

WINDOWS = ("--window", "2")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 \[\d+\] [a-z ]+: .*")
SECRET = "qX7secretvalue"


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv(log_file.VARIABLE, raising=False)


def read(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    assert all(LINE.fullmatch(line) for line in lines), lines
    return lines


def test_the_log_has_command_versions_messages_and_end(command, eegbci, tmp_path):
    log = tmp_path / "a.log"
    usual = command("events", eegbci, *CLOSED, *WINDOWS)
    logged = command("events", eegbci, *CLOSED, *WINDOWS, "--log-file", log)
    assert (logged.status, logged.out) == (usual.status, usual.out)
    text = log.read_text(encoding="utf-8")
    assert f"command: bids-dl events {eegbci}" in text
    assert re.search(r"software: Python 3\..*bids_dl \d.*torch \d.*mne \d", text)
    assert "result: " in text
    assert "eyes_closed" in text
    assert re.search(r"end: status 0 after \d+\.\d s", read(log)[-1])


def test_commands_are_appended_and_a_quiet_one_is_logged_too(command, eegbci, tmp_path):
    log = tmp_path / "a.log"
    for _ in range(2):
        result = command("events", eegbci, *CLOSED, *WINDOWS, "-q", "--log-file", log)
        assert result.err == ""
    assert sum("end: status 0" in line for line in read(log)) == 2


def test_the_environment_names_a_file_for_all_commands(command, monkeypatch, tmp_path):
    log = tmp_path / "a.log"
    monkeypatch.setenv(log_file.VARIABLE, str(log))
    command("recipes")
    assert "command: bids-dl recipes" in log.read_text()
    monkeypatch.delenv(log_file.VARIABLE)
    before = log.read_text()
    command("recipes")
    assert log.read_text() == before


def test_an_error_is_logged_with_the_lines_that_raised_it(command, tmp_path):
    log = tmp_path / "a.log"
    result = command("info", "nowhere.zarr", "--log-file", log)
    assert result.status == 2
    assert "Traceback" not in result.err
    text = log.read_text(encoding="utf-8")
    assert "traceback: Traceback (most recent call last):" in text
    assert "message: error: nowhere.zarr: no store there" in text
    assert "end: status 2" in read(log)[-1]


def test_a_defect_is_logged_before_python_shows_it(command, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr("bids_dl.api.info", fail)
    log = tmp_path / "a.log"
    with pytest.raises(RuntimeError, match="a defect"):
        command("info", "x.zarr", "--log-file", log)
    assert "traceback: RuntimeError: a defect" in log.read_text()
    assert "end: status 1" in read(log)[-1]
    assert log_file._OPEN == []


def test_no_secret_is_logged(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"hf_{SECRET}")

    def fail(*_, **__):
        raise RuntimeError(
            f"client said: {SECRET} and hf_{SECRET}, https://u:{SECRET}@host/x?sig=1"
        )

    monkeypatch.setattr("bids_dl.api.info", fail)
    log = tmp_path / "a.log"
    options = ("--storage-option", f"secret={SECRET}", f"--storage-option=key={SECRET}k")
    with pytest.raises(RuntimeError):
        command("info", "s3://b/x.zarr", *options, "--log-file", log)
    text = log.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "--storage-option 'secret=***' '--storage-option=key=***'" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--storage-option", f"token={SECRET}"), SECRET),
        (("--storage-option", f"client_kwargs={{secret: {SECRET}, names: [{SECRET}2]}}"), SECRET),
        ((f"s3://{SECRET}@bucket/x",), SECRET),
        ((f"https://user:{SECRET}%2F1@host/x",), f"{SECRET}/1"),
        (("--storage-option", "broken={"), "nothing"),
    ],
)
def test_a_secret_is_masked_where_a_message_repeats_it_alone(monkeypatch, tmp_path, words, said):
    log = tmp_path / "a.log"
    monkeypatch.setattr(sys, "argv", ["bids-dl", "info", *words])
    log_file.open_log(str(log), {"FSSPEC_S3_SECRET": f"{SECRET}3", "MY_TOKEN": "one", "X": "four"})
    log_file.log("message", f"the server said {said} and {SECRET}3, one of four")
    log_file.close_log(0)
    text = log.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "one of four" in text


def test_a_variable_is_named_by_the_message_about_its_file(command, monkeypatch, tmp_path):
    monkeypatch.setenv(log_file.VARIABLE, str(tmp_path))
    assert command("recipes").err.startswith(f"error: {log_file.VARIABLE} {tmp_path}: is a folder")


@pytest.mark.parametrize("by", ["flag", "flag with =", "variable"])
def test_wrong_arguments_are_logged(command, monkeypatch, tmp_path, by):
    log = tmp_path / "a.log"
    words = {"flag": ["--log-file", log], "flag with =": [f"--log-file={log}"], "variable": []}[by]
    if by == "variable":
        monkeypatch.setenv(log_file.VARIABLE, str(log))
    assert command("events", "x", *words, "--no-such-option").status == 2
    lines = read(log)
    assert any("no-such-option" in line for line in lines if " command: " not in line)
    assert "end: status 2 after" in lines[-1]


def test_wrong_arguments_are_told_although_their_log_cannot_be_written(command, tmp_path):
    result = command("events", "x", "--log-file", tmp_path, "--no-such-option")
    assert result.status == 2
    assert "no-such-option" in result.err
    assert "log-file" not in result.err


def test_an_empty_name_is_refused(command):
    result = command("recipes", "--log-file", "")
    assert (result.status, result.err) == (
        2,
        "error: --log-file .: is a folder; name a file in it\n",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_that_nobody_reads_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=r"--log-file .*pipe: cannot be written \(No such device"):
        LogFile(tmp_path / "pipe")


def test_arguments_are_masked_by_their_flag():
    words = ["info", "x", "--storage-option", "a=b=c", "--storage-option=d=e", "--json"]
    masked, hidden = mask_arguments(words)
    assert masked == ["info", "x", "--storage-option", "a=***", "--storage-option=d=***", "--json"]
    assert hidden == ["b=c", "e"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("nodir/a.log", "folder .*nodir does not exist"),
        ("", "is a folder"),
        ("eyes.zarr/a.log", "is inside the store"),
        ("eyes.zarr.staging/a.log", "is inside the store"),
        ("plain/deep/a.log", "is inside the store"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(command, tmp_path, name, cause):
    for folder in ("eyes.zarr", "eyes.zarr.staging", "plain/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "plain" / "zarr.json").write_text("{}")
    result = command("convert", "nowhere", "x.zarr", "--hed", "Rest", "--log-file", tmp_path / name)
    assert result.status == 2
    assert re.search(rf"^error: --log-file .*{cause}", result.err), result.err
    assert "nowhere" not in result.err.replace(str(tmp_path), "")


def test_a_full_disk_ends_the_log_and_not_the_command(capsys):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    log = LogFile.__new__(LogFile)
    log._descriptor = os.open("/dev/full", os.O_WRONLY)
    log._title, log._secrets, log._start, log._stages = "--log-file a.log", [], 0.0, {}
    log.write("message", "one")
    log.write("message", "two")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning --log-file a.log: ")
    assert "No space left on device" in line
    log.close(0)


def test_control_codes_and_several_lines_stay_in_the_form(tmp_path):
    log = LogFile(tmp_path / "a.log")
    log.write("message", "one\ntwo \x1b[31m red")
    log.close(0)
    lines = read(tmp_path / "a.log")
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)


def test_a_stage_is_logged_at_its_start_and_end_only(tmp_path):
    log = LogFile(tmp_path / "a.log")
    for done in range(6):
        log.write_progress("stage", done, 5, "recordings")
    log.close(0)
    first, second, _ = read(tmp_path / "a.log")
    assert first.endswith("recordings begins: 5 to do")
    assert re.search(r"stage: recordings: 5 in \d+\.\d s$", second)


@pytest.mark.slow
def test_two_conversions_share_a_file_and_their_stores_do_not_change(eegbci, tmp_path):
    log = tmp_path / "a.log"
    flags = ("--subject", "001", "--jobs", "1")
    commands = [
        convert_command(eegbci, tmp_path / f"{name}.zarr", *flags, "--log-file", str(log))
        for name in ("a", "b")
    ]
    plain = convert_command(eegbci, tmp_path / "plain.zarr", *flags)
    started = [subprocess.Popen(words, stderr=subprocess.PIPE) for words in commands]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    subprocess.run(plain, check=True, capture_output=True, timeout=300)
    lines = read(log)
    assert len({re.search(r"\[(\d+)\]", line)[1] for line in lines}) == 2
    durations = [line for line in lines if re.search(r"recording: .*: staged after \d", line)]
    assert len(durations) == 4  # two recordings in each process
    assert any("recordings: 2 in " in line for line in lines)
    stores = [contents(tmp_path / f"{name}.zarr") for name in ("a", "plain")]
    assert stores[0] == stores[1]
    assert sys.executable not in str(stores[0].get("zarr.json"))
