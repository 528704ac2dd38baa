"""Workers of a Dask scheduler."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from conversions import convert

from bids_dl.config.stages import PipelineConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline.running import dask_workers
from bids_dl.pipeline.running.dask_workers import DaskWorkers


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("nonsense", "expected an address such as tcp://host:8786, or synchronous"),
        ("127.0.0.1:9", "no Dask scheduler answers there"),
    ],
)
def test_a_scheduler_that_does_not_exist_is_refused(
    eegbci, tmp_path, monkeypatch, scheduler, message
):
    monkeypatch.setattr(dask_workers, "CONNECT_TIMEOUT", "1s")
    with pytest.raises(ConfigError, match=message):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"], scheduler=scheduler)
    assert not (tmp_path / "a.zarr").exists()


def test_a_scheduler_that_is_gone_when_workers_are_counted_is_one_line():
    client = Mock()
    client.nthreads.side_effect = ConnectionResetError(
        "in <TCP (closed)>: Connection reset by peer"
    )
    client.scheduler_info.return_value = {"workers": {}}
    workers = DaskWorkers(client, "tcp://127.0.0.1:1", PipelineConfig())
    for count in (workers.count_workers, workers.has_workers):
        with pytest.raises(BidsDlError, match=r"lost the connection to the workers of tcp://"):
            count()
