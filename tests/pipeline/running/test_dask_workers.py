"""Workers of a Dask scheduler."""

from __future__ import annotations

import pytest
from conversions import convert

from bids_dl.errors import ConfigError
from bids_dl.pipeline.running import dask_workers


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
