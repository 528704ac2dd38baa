from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from asked_pools import CLASSES, answer_line, write_pool

import bids_dl
from bids_dl.annotate.asking.exchange import LearnerJob
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.questions import Questioner, QuestionSettings
from bids_dl.annotate.asking.trainer import Trainer, TrainerError
from bids_dl.store import open_store
from bids_dl.testing import plant_spikes

pytestmark = pytest.mark.slow  # each process imports PyTorch

WAIT = 300.0  # s, at most, on a machine with other work

PROGRAM = """
import sys, time
from bids_dl.annotate.asking.exchange import LearnerJob
from bids_dl.annotate.asking.trainer import Trainer

if __name__ == "__main__":
    trainer = Trainer(LearnerJob(sys.argv[1], ("background", "spike")))
    future = trainer.start()
    if sys.argv[2] == "measured":
        future.result()
    while trainer.process_id is None:
        time.sleep(0.01)
    print(trainer.process_id, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("pool") / "x.zarr", n_windows=10)


@pytest.fixture
def trainer(pool):
    trainer = Trainer(LearnerJob(pool, CLASSES))
    yield trainer
    trainer.close()


def make_questioner(pool) -> Questioner:
    return Questioner(read_pool(open_store(pool)), QuestionSettings(CLASSES))


def wait_until(condition) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_cancelled_request_ends_neither_the_thread_nor_later_requests(trainer):
    first = trainer.start()
    cancelled = trainer.start()
    assert cancelled.cancel()  # it waits for the first
    wait_until(lambda: trainer.process_id is not None)
    assert not first.cancel()  # it runs
    first.result(WAIT)
    trainer.start().result(WAIT)


def test_a_killed_process_is_reported_and_started_again_by_the_next_round(pool, trainer):
    questioner = make_questioner(pool)
    assert trainer.state.phase == "stopped"
    trainer.start().result(WAIT)
    assert trainer.state.phase == "waiting"
    first = trainer.process_id
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: trainer.state.phase == "failed")
    assert "was killed (signal 9); the next round starts it again" in trainer.state.message
    result = trainer.train(questioner.begin_round()).result(WAIT)
    questioner.set_opinion(result)
    assert result.picks
    assert trainer.process_id != first
    assert trainer.state.phase == "waiting"


def test_a_process_that_is_killed_in_a_round_fails_that_round_only(pool, trainer):
    questioner = make_questioner(pool)
    trainer.start().result(WAIT)
    os.kill(trainer.process_id, signal.SIGSTOP)  # so that the round is certainly not done
    future = trainer.train(questioner.begin_round())
    wait_until(lambda: trainer.state.phase == "training")
    os.kill(trainer.process_id, signal.SIGKILL)
    with pytest.raises(TrainerError, match="signal 9"):
        future.result(WAIT)
    assert trainer.state.phase == "failed"
    assert trainer.train(questioner.begin_round()).result(WAIT).number == 0


@pytest.mark.parametrize("is_stuck", [False, True])
def test_closing_ends_the_process_and_fails_what_is_not_done(pool, trainer, is_stuck):
    trainer.start().result(WAIT)
    process = psutil.Process(trainer.process_id)
    process.suspend()
    future = trainer.train(make_questioner(pool).begin_round())
    if not is_stuck:
        threading.Timer(0.5, process.resume).start()
    trainer.close()
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    assert trainer.state.phase == "stopped"
    with pytest.raises(TrainerError):
        future.result(WAIT)
    with pytest.raises(TrainerError, match="the trainer is closed"):
        trainer.train(make_questioner(pool).begin_round()).result(WAIT)


def test_a_pool_that_cannot_be_read_is_reported_in_one_sentence(tmp_path):
    trainer = Trainer(LearnerJob(str(tmp_path / "none.zarr"), CLASSES))
    with pytest.raises(TrainerError, match=r"none\.zarr"):
        trainer.start().result(WAIT)
    assert trainer.state.phase == "failed"
    assert "\n" not in trainer.state.message
    trainer.close()


@pytest.mark.parametrize("moment", ["measured", "started"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(pool, tmp_path, moment, sent):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), pool, moment]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        if sent == signal.SIGINT:
            os.killpg(parent.pid, sent)  # as Ctrl-C in a terminal
        else:
            parent.kill()
        errors = parent.communicate(timeout=WAIT)[1]
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert errors.count("Traceback") == (sent == signal.SIGINT)  # of the parent only


def test_forty_answers_improve_the_test_on_planted_spikes(eegbci, tmp_path):
    """An expert who answers by the truth, a questioner and a real process: the whole loop."""
    options = {"whole": True, "run": ["1", "2"], "window": 1, "scheduler": "synchronous"}
    bids_dl.convert(str(eegbci), str(tmp_path / "pool.zarr"), **options)
    spikes = plant_spikes(tmp_path / "pool.zarr", tmp_path / "spikes.zarr", share=0.1)
    is_spike = (spikes.table["label"] == "spike").to_numpy()
    questioner = make_questioner(spikes.url)
    windows = questioner.windows
    trainer = Trainer(LearnerJob(spikes.url, CLASSES))
    precisions = {}
    try:
        questioner.set_opinion(trainer.train(questioner.begin_round()).result(WAIT))
        for number in range(1, 66):
            [question] = questioner.questions("a", "one", count=1, now=float(number))
            label = CLASSES[int(is_spike[windows.find_row(question.item.id)])]
            questioner.add_line(answer_line(question, label, number))
            if questioner.needs_round or number == 40:
                result = trainer.train(questioner.begin_round()).result(WAIT)
                questioner.set_opinion(result)
                precisions[number] = average_test_precision(windows, is_spike, result)
    finally:
        trainer.close()
    first, forty, last = list(precisions.values())[:3]
    assert list(precisions)[1] == 40
    assert is_spike[windows.is_test].mean() + 0.3 < first < forty <= last
    assert last > 0.9
    assert questioner.answered.counts["spike"] > 2 * 65 * is_spike.mean()
    figures = questioner.figures
    assert [each["n_test"] for each in figures[:2]] == [4, 8]
    assert [each["round"] for each in figures] == list(range(1, len(precisions) + 1))


def average_test_precision(windows, is_spike, result) -> float:
    """Return the average precision on all test windows, by the truth."""
    from sklearn.metrics import average_precision_score

    rows = np.flatnonzero(windows.is_test)
    return float(average_precision_score(is_spike[rows], result.probabilities[rows, 1]))
