"""`bids-dl label` as a process: its start, its ends, and what outlives them."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
import uuid
from http.client import HTTPException
from pathlib import Path

import psutil
import pytest
from annotation_folders import append_answers
from labelling_server import (
    LabelProcess,
    PageClient,
    label_process,
    served_page,
    write_classes_file,
)

from bids_dl.annotate.answers import read_journal
from bids_dl.annotate.server import serve_page
from bids_dl.config.labelling_parsing import parse_labelling
from bids_dl.errors import BidsDlError, ConfigError, SourceError, StoreError


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    return write_classes_file(tmp_path / "classes.yaml")


def answer_next(client: PageClient, label: str = "background") -> tuple[str, int]:
    """Answer the next question, and return the id and the status."""
    body = client.answer_body(client.ask(1)[0]["item"], label)
    return body["id"], client.post("/api/answers", body).status


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_with_the_derivative_written(pool, tmp_path, classes, number):
    labels = tmp_path / "labels"
    with label_process(pool, labels, "--classes", classes) as running:
        client = running.client()
        learners = psutil.Process(running.process.pid).children(recursive=True)
        assert answer_next(client, "spike")[1] == 201
        assert running.end(number) == 0
        errors = running.errors
    assert not any("Traceback" in line for line in errors), errors
    assert list(labels.rglob("*_desc-labels_events.tsv"))
    assert not (labels / "code" / "server.lock").exists()
    _, alive = psutil.wait_procs(learners, timeout=20)
    assert alive == []


@pytest.mark.slow
def test_kill_9_loses_no_acknowledged_answer_and_an_open_tab_goes_on(pool, tmp_path, classes):
    labels = tmp_path / "labels"
    with label_process(pool, labels, "--classes", classes) as running:
        client = running.client()
        port = running.port
        acknowledged = answer_until_killed(running, client, random.Random(0))
    assert 80 <= len(acknowledged) < 200
    content = read_journal(labels)
    assert set(acknowledged) <= {line["id"] for line in content.lines}
    with label_process(pool, labels) as running:
        running.next_url()
        assert running.port == port
        assert client.get("/api/session").status == 200  # with the cookie of the killed server
        own = client.get("/api/answers", annotator="expert-1").json["answers"]
        assert set(acknowledged) <= {answer["id"] for answer in own}
        identifier = acknowledged[-1]
        line = next(line for line in content.lines if line["id"] == identifier)
        body = client.answer_body(line["item"], line["label"], id=identifier)
        assert client.post("/api/answers", body).status == 200  # sent again by the tab
        while len(acknowledged) < 200:
            identifier, status = answer_next(client)
            assert status == 201
            acknowledged.append(identifier)
        assert running.end() == 0
    assert set(acknowledged) <= {line["id"] for line in read_journal(labels).lines}
    items = [line["item"] for line in read_journal(labels).lines]
    assert len(items) - len(set(items)) <= 12  # that are asked again on purpose


def answer_until_killed(running: LabelProcess, client: PageClient, rng: random.Random) -> list[str]:
    """Answer by four threads until the server is killed, and return what was acknowledged."""
    acknowledged: list[str] = []
    n_answers = rng.randint(80, 120)

    def answer(tab: str) -> None:
        own = PageClient(client.port, tab=tab)
        own.cookie = client.cookie
        try:
            while True:
                identifier, status = answer_next(own, rng.choice(["spike", "background"]))
                if status == 201:
                    acknowledged.append(identifier)
        except (OSError, HTTPException):  # the server is dead
            return

    threads = [threading.Thread(target=answer, args=(f"tab-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < n_answers:
        time.sleep(0.001)
    os.kill(running.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    return acknowledged


@pytest.mark.slow
def test_a_killed_learner_is_started_again_and_the_page_goes_on(pool, tmp_path, classes):
    with label_process(pool, tmp_path / "labels", "--classes", classes, "--batch", "2") as running:
        client = running.client()
        await_state(client, "waiting")
        [learner] = [
            child
            for child in psutil.Process(running.process.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        learner.kill()
        for label in itertools.islice(itertools.cycle(["spike", "background"]), 8):
            assert answer_next(client, label)[1] == 201
            assert client.page().status == 200
        status = await_state(client, "waiting")
        assert status["round"]["number"] >= 1
        assert running.end() == 0


def await_state(client: PageClient, state: str, seconds: float = 300) -> dict:
    """Wait for a state. A learner needs 5 s of CPU to start, at a low priority: 70 s if loaded."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.get("/api/status").json
        if status["round"]["state"] == state:
            return status
        time.sleep(0.2)
    raise AssertionError(status)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pages(pool, tmp_path, classes):
    source = pool.parent / "patients"
    options = ("--classes", classes, "--source", source)
    with label_process(pool, tmp_path / "labels", *options) as running:
        client = running.client()
        await_state(client, "waiting")
        process = psutil.Process(running.process.pid)
        sizes = {}
        for number in range(1, 1001):
            start = number * 7 % 50
            reply = client.page(
                recording=number % 2, start=start, low=1, high=30, montage="average", width=1500
            )
            assert reply.status == 200
            if number in (100, 1000):
                sizes[number] = process.memory_info().rss
    assert sizes[1000] < 1.1 * sizes[100], sizes


@pytest.mark.slow
def test_two_servers_of_a_folder_are_refused_by_name(pool, tmp_path, classes):
    labels = tmp_path / "labels"
    with served_page(pool, labels, classes=classes) as page:
        with label_process(pool, labels) as second:
            assert second.process.wait(120) == 2
            time.sleep(0.2)
        message = " ".join(second.errors)
        assert "another bids-dl label serves this folder" in message
        assert f"at port {page.server.port}" in message
        assert page.client.get("/api/session").status == 200


def test_the_next_server_takes_the_port_and_the_cookies_of_the_last_one(pool, tmp_path, classes):
    labels = tmp_path / "labels"
    with served_page(pool, labels, classes=classes) as page:
        client, port = page.client, page.server.port
        body = client.answer_body(client.ask(1)[0]["item"], "spike")
        client.post("/api/answers", body)
    with served_page(pool, labels) as page:
        assert page.server.port == port
        assert (
            client.get("/api/answers", annotator="expert-1").json["answers"][0]["id"] == body["id"]
        )
        assert client.post("/api/answers", body).status == 200


def test_a_cookie_of_another_port_is_forgotten(pool, tmp_path, classes):
    labels = tmp_path / "labels"
    with served_page(pool, labels, classes=classes) as page:
        client, port = page.client, page.server.port
    other = served_page(pool, tmp_path / "other", classes=classes, port=port)
    with other, served_page(pool, labels) as page:
        assert page.server.port != port
        client.port, client.host = page.server.port, f"127.0.0.1:{page.server.port}"
        client.cookie = client.cookie.replace(str(port), str(page.server.port))
        assert client.get("/api/session").status == 403


def serve(pool: Path, labels: Path, **options) -> None:
    config = parse_labelling({"labels": labels, "no_browser": True} | options)
    serve_page(str(pool), config, on_address=pytest.fail, on_message=print)


def test_wrong_requests_are_refused_before_anything_is_written(pool, tmp_path, classes):
    labels = tmp_path / "labels"
    wrong: list[tuple[type[BidsDlError], str, dict]] = [
        (ConfigError, "has no code/classes.yaml", {}),
        (
            ConfigError,
            "cannot be read|no such file|does not exist",
            {"classes": tmp_path / "x.yaml"},
        ),
        (ConfigError, "did you mean 'mixture'|mixtur", {"classes": classes, "strategy": "mixtur"}),
        (
            ConfigError,
            "no address of this machine",
            {"classes": classes, "host": "no.such.invalid"},
        ),
        (SourceError, "no such folder", {"classes": classes, "sources": [tmp_path / "none"]}),
    ]
    for error, message, options in wrong:
        with pytest.raises(error, match=message):
            serve(pool, labels, **options)
        assert not labels.exists(), message
    with pytest.raises(StoreError):
        serve(tmp_path / "none.zarr", labels, classes=classes)
    with pytest.raises(ConfigError, match="inside the store"):
        serve(pool, pool / "labels", classes=classes)
    with pytest.raises(ConfigError, match="is a dataset that bids_dl did not write"):
        serve(pool, pool.parent / "patients", classes=classes)


def test_classes_that_lack_an_answered_class_are_refused(pool, tmp_path):
    labels = tmp_path / "labels"
    append_answers(
        labels, "sub-01/eeg/sub-01_task-rest", [(0.0, 1.0, "spike"), (2.0, 1.0, "unsure")]
    )
    file = tmp_path / "classes.yaml"
    file.write_text("ripple: {hed: Data-artifact}")
    with pytest.raises(ConfigError, match="lacks the class spike, which 1 answers"):
        serve(pool, labels, classes=file)
    assert not (labels / "code" / "classes.yaml").exists()


def test_a_taken_port_is_refused_by_its_number(pool, tmp_path, classes):
    with served_page(pool, tmp_path / "one", classes=classes) as page:
        port = page.server.port
        with pytest.raises(ConfigError, match=rf"--port {port}: cannot be served"):
            serve(pool, tmp_path / "two", classes=classes, port=port)


def test_another_host_is_served_with_a_warning(pool, tmp_path, classes, capsys):
    messages: list[str] = []
    from bids_dl.annotate.server.opening import warn_of_host

    warn_of_host("0.0.0.0", messages.append)
    warn_of_host("127.0.0.1", messages.append)
    assert len(messages) == 1
    assert "lets other machines reach the page" in messages[0]
    with served_page(pool, tmp_path / "labels", classes=classes, host="0.0.0.0") as page:
        assert page.client.get("/api/session").status == 200
        evil = page.client.request("GET", "/api/session", headers={"Host": "evil.example"})
        assert evil.status == 403


def test_an_answer_of_a_log_with_an_unknown_recording_is_kept_and_not_listed(
    pool, tmp_path, classes
):
    labels = tmp_path / "labels"
    append_answers(labels, "sub-99/eeg/sub-99_task-rest", [(0.0, 1.0, "spike")])
    with served_page(pool, labels, classes=classes) as page:
        answers = page.client.get("/api/answers", annotator="expert-1").json["answers"]
        assert answers == []
        identifier = read_journal(labels).lines[0]["id"]
        body = {"id": str(uuid.uuid4()), "annotator": "expert-1"}
        assert page.client.post(f"/api/answers/{identifier}/undo", body).status == 201
