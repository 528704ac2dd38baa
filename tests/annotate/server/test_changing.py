"""Answers, marks, changes and undos."""

from __future__ import annotations

import json
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from bids_dl.annotate.answers import read_journal, replay


def lines_of(page) -> list[dict]:
    return [dict(line) for line in read_journal(page.folder).lines]


def own_answers(page) -> list[dict]:
    return page.client.get("/api/answers", annotator="expert-1").json["answers"]


def correct(page, answer: str, kind: str, **fields):
    body = {"id": str(uuid.uuid4()), "annotator": page.client.annotator} | fields
    return page.client.post(f"/api/answers/{answer}/{kind}", body)


@pytest.fixture
def answered(page) -> str:
    """Id of a new answer."""
    body = page.client.answer_body(page.client.ask(1)[0]["item"], "spike")
    assert page.client.post("/api/answers", body).status == 201
    return body["id"]


def test_an_answer_is_in_the_log_with_all_that_was_on_the_screen(page):
    [question] = page.client.ask(1)
    body = page.client.answer_body(question["item"], "spike")
    reply = page.client.post("/api/answers", body)
    assert reply.status == 201
    assert (reply.json["id"], reply.json["label"]) == (body["id"], "spike")
    line = lines_of(page)[-1]
    assert line["display"] == body["display"]
    assert line["ms"] == body["ms"]
    for name in ("item", "onset", "duration", "strategy", "round"):
        assert line[name] == question[name]
    assert {"model", "probabilities", "purpose", "dataset", "recording", "time"} <= set(line)
    assert page.client.ask(1)[0]["item"] != question["item"]


def test_the_same_request_again_changes_nothing(page):
    body = page.client.answer_body(page.client.ask(1)[0]["item"])
    first = page.client.post("/api/answers", body)
    size = page.log_bytes
    second = page.client.post("/api/answers", body)
    assert (first.status, second.status) == (201, 200)
    assert second.json["opinion"] == first.json["opinion"]
    assert page.log_bytes == size


@pytest.mark.parametrize("change", [{"label": "wave"}, {"annotator": "expert-2"}])
def test_another_request_with_the_same_id_is_refused(page, change):
    body = page.client.answer_body(page.client.ask(1)[0]["item"], "spike")
    page.client.post("/api/answers", body)
    size = page.log_bytes
    assert page.client.post("/api/answers", body | change).status == 409
    assert page.log_bytes == size


def test_fifty_requests_with_one_id_at_a_time_are_one_answer(page):
    body = page.client.answer_body(page.client.ask(1)[0]["item"])
    n_lines = len(lines_of(page))
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda _: page.client.post("/api/answers", body), range(50)))
    assert sorted(reply.status for reply in replies) == [200] * 49 + [201]
    assert len(lines_of(page)) == n_lines + 1


def test_answers_at_a_time_are_all_in_the_log(page):
    page.client.tab = "tab-parallel"
    bodies = [page.client.answer_body(item["item"]) for item in page.client.ask(20)]
    with ThreadPoolExecutor(10) as threads:
        replies = list(threads.map(lambda body: page.client.post("/api/answers", body), bodies))
    page.client.tab = "tab-1"
    assert {reply.status for reply in replies} == {201}
    assert {body["id"] for body in bodies} <= {line["id"] for line in lines_of(page)}


def test_an_answer_of_a_stale_tab_counts_for_its_item(page):
    page.client.tab = "tab-stale"
    [question] = page.client.ask(1)
    page.labelling.questioner.release(page.client.annotator, "tab-stale")  # after ten minutes
    page.client.tab = "tab-fresh"
    page.client.ask(3)
    body = page.client.answer_body(question["item"], "wave", tab="tab-stale")
    page.client.tab = "tab-1"
    assert page.client.post("/api/answers", body).status == 201
    line = lines_of(page)[-1]
    assert (line["item"], line["onset"]) == (question["item"], question["onset"])


def test_an_unknown_item_class_or_recording_is_refused(page):
    size = page.log_bytes
    item = page.client.ask(1)[0]["item"]
    post = page.client.post
    assert post("/api/answers", page.client.answer_body("f" * 24)).status == 404
    assert post("/api/answers", page.client.answer_body(item, "ripple")).status == 400
    assert post("/api/answers", page.client.mark_body(99, 1.0, 1.0)).status == 404
    assert post("/api/answers", page.client.answer_body(item, id="7")).status == 400
    both = page.client.mark_body(0, 1.0, 1.0) | {"item": item}
    assert post("/api/answers", both).status == 400
    assert page.log_bytes == size


def test_a_mark_is_an_answer_about_its_own_interval(page):
    channels = [item["name"] for item in page.client.get("/api/recordings/0").json["channels"]]
    body = page.client.mark_body(0, 3.125, 0.5, channels=channels[1:3][::-1])
    reply = page.client.post("/api/answers", body)
    assert reply.status == 201
    line = lines_of(page)[-1]
    assert (line["strategy"], line["onset"], line["duration"]) == ("mark", 3.125, 0.5)
    assert line["channels"] == channels[1:3]  # in the order of the recording
    marks = page.client.get("/api/strip", recording=0, annotator="expert-1").json["marks"]
    assert body["id"] in [mark["id"] for mark in marks]
    other = page.client.get("/api/strip", recording=0, annotator="expert-2").json["marks"]
    assert body["id"] not in [mark["id"] for mark in other]


@pytest.mark.parametrize(
    "changes",
    [
        {"onset": -1.0},
        {"duration": 0.0},
        {"onset": 1e9},
        {"onset": 59.9, "duration": 10.0},
        {"channels": ["no-such-channel"]},
        {"channels": ["../../etc/passwd"]},
        {"channels": "Cz"},
        {"recording": 1.5},
        {"recording": True},
    ],
)
def test_a_mark_that_the_recording_does_not_have_is_refused(page, changes):
    size = page.log_bytes
    body = page.client.mark_body(0, 1.0, 1.0)
    body["mark"] |= changes
    assert page.client.post("/api/answers", body).status == 400
    assert page.log_bytes == size


def test_a_mark_that_overlaps_a_test_window_never_trains(page):
    windows = page.labelling.windows
    for row in windows.rows_of_recording(0)[1:20]:
        body = page.client.mark_body(0, float(windows.onset[row]) + 0.4, 0.2)
        page.client.post("/api/answers", body)
        expected = "test" if windows.is_test[row] else "train"
        assert lines_of(page)[-1]["purpose"] == expected


def test_a_change_gives_another_label(page, answered):
    assert correct(page, answered, "change", label="wave").status == 201
    labels = {answer.id: answer.label for answer in replay(lines_of(page))}
    assert labels[answered] == "wave"
    assert (
        page.client.get("/api/answers", annotator="expert-1").json["answers"][0]["label"] == "wave"
    )


def test_an_undone_answer_is_asked_again_first(page, answered):
    item = next(line["item"] for line in lines_of(page) if line["id"] == answered)
    assert correct(page, answered, "undo").status == 201
    assert answered not in [answer.id for answer in replay(lines_of(page))]
    assert page.client.ask(1)[0]["item"] == item


def test_the_same_undo_again_is_accepted_and_another_one_is_not(page, answered):
    body = {"id": str(uuid.uuid4()), "annotator": "expert-1"}
    first, second = (page.client.post(f"/api/answers/{answered}/undo", body) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert correct(page, answered, "undo").status == 409
    assert correct(page, answered, "change", label="wave").status == 409


def test_an_undo_can_be_undone(page, answered):
    body = {"id": str(uuid.uuid4()), "annotator": "expert-1"}
    page.client.post(f"/api/answers/{answered}/undo", body)
    assert correct(page, body["id"], "undo").status == 201
    assert answered in [answer.id for answer in replay(lines_of(page))]


@pytest.mark.parametrize("kind", ["undo", "change"])
def test_the_answer_of_another_expert_cannot_be_corrected(page, answered, kind):
    size = page.log_bytes
    fields = {"label": "wave"} if kind == "change" else {}
    assert correct(page, answered, kind, annotator="expert-2", **fields).status == 409
    assert correct(page, str(uuid.uuid4()), kind, **fields).status == 404
    assert correct(page, "..%2f..", kind, **fields).status == 404
    assert page.log_bytes == size


def test_the_opinion_is_sent_after_the_answer_only(page):
    for question in page.client.ask(3):
        assert "opinion" not in question
        assert "probabilities" not in question
    reply = page.client.post("/api/answers", page.client.answer_body(question["item"]))
    assert "opinion" in reply.json


def test_two_experts_answer_the_same_pool_and_see_their_own_answers(page, answered):
    other = page.another_client(annotator="expert-2", tab="tab-2")
    body = other.answer_body(other.ask(1)[0]["item"], "wave")
    assert other.post("/api/answers", body).status == 201
    own = other.get("/api/answers", annotator="expert-2").json["answers"]
    assert [answer["id"] for answer in own] == [body["id"]]
    ids = [
        item["id"] for item in page.client.get("/api/answers", annotator="expert-1").json["answers"]
    ]
    assert answered in ids
    assert body["id"] not in ids


def test_the_log_is_for_its_owner_only(page, answered):
    for name in ("answers.jsonl", "classes.yaml", "server.json"):
        assert (page.folder / "code" / name).stat().st_mode & 0o777 == 0o600, name


def test_lines_are_valid_and_in_the_order_of_the_clock(page, answered):
    content = read_journal(page.folder)
    assert content.problems == ()
    times = [line["time"] for line in content.lines]
    assert times == sorted(times)
    assert all(json.dumps(line, allow_nan=False) for line in content.lines)


def test_an_answer_counts_although_its_tab_was_closed_at_once(page):
    body = page.client.answer_body(page.client.ask(1)[0]["item"])
    content = json.dumps(body).encode()
    head = (
        f"POST /api/answers HTTP/1.1\r\nHost: {page.client.host}\r\n"
        f"Cookie: {page.client.cookie}\r\n"
        f"Origin: http://{page.client.host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", page.client.port)) as connection:
        connection.sendall(head.encode() + content)
    deadline = time.monotonic() + 10
    while page.client.post("/api/answers", body).status != 200:
        assert time.monotonic() < deadline
    assert [line["id"] for line in lines_of(page)].count(body["id"]) == 1
