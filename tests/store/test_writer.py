from __future__ import annotations

import hashlib
import json
import warnings

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.config.stages import StoreConfig
from bids_dl.errors import DamagedStoreError, SourceError, StoreError
from bids_dl.remote.location import Location
from bids_dl.sharing import card
from bids_dl.store import open_store, writer
from bids_dl.store.format import Column, sizes

N_WINDOWS, N_CHANS, N_TIMES = 37, 3, 50
ATTRIBUTES = {"sfreq": 100.0, "classes": {"label": ["b", "a"]}, "failures": []}


def signals() -> np.ndarray:
    return (
        np.random.default_rng(0).standard_normal((N_WINDOWS, N_CHANS, N_TIMES)).astype(np.float32)
    )


SMALL = StoreConfig(chunk_bytes=3000, shard_bytes=9000)


def write(url, *, config=SMALL, pieces=(10, 1, 26), finish=True):
    """A store of random windows at a path or URL; its windows, or the draft where it is left unfinished."""
    location, values = Location(str(url)), signals()
    draft = writer.begin(location, "a plan")
    writer.write_signals(
        draft,
        values.shape,
        iter(np.split(values, np.cumsum(pieces)[:-1])),
        config,
        say=lambda _: None,
    )
    writer.write_column(draft, Column("channel", writer.text(["Fz", "Cz", "Pz"]), ("channel",)))
    writer.write_column(draft, Column("label", writer.text(["a", "b", "ü"] * 12 + ["a"])))
    writer.write_column(draft, Column("onset", np.arange(N_WINDOWS) / 3, attributes={"units": "s"}))
    if finish:
        writer.finish(
            draft,
            ATTRIBUTES,
            ["signals", "channel", "label", "onset"],
            {"README.md": b"# a store\n"},
        )
    return values if finish else draft


@pytest.mark.parametrize("pieces", [(37,), (10, 1, 26), (1,) * 37])
def test_what_is_written_is_read_back_equal_however_it_came(tmp_path, pieces):
    values = write(tmp_path / "a.zarr", pieces=pieces)
    store = open_store(str(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(store.read("signals"), values)
    assert store.shape == values.shape
    assert store.channels == ("Fz", "Cz", "Pz")
    assert store.table["label"].tolist()[:3] == ["a", "b", "ü"]
    np.testing.assert_array_equal(store.table["onset"], np.arange(N_WINDOWS) / 3)


def test_xarray_opens_a_store_with_its_dimensions_and_without_a_warning(tmp_path):
    values = write(tmp_path / "a.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xarray.open_zarr(tmp_path / "a.zarr")
        assert data["signals"].dims == ("window", "channel", "time")
        assert list(data["channel"].values) == ["Fz", "Cz", "Pz"]
        np.testing.assert_array_equal(data["signals"].values, values)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a.zarr", pieces=(37,))
    write(tmp_path / "b.zarr", pieces=(1,) * 37)
    files = {
        path.relative_to(tmp_path / "a.zarr")
        for path in (tmp_path / "a.zarr").rglob("*")
        if path.is_file()
    }
    assert files == {
        path.relative_to(tmp_path / "b.zarr")
        for path in (tmp_path / "b.zarr").rglob("*")
        if path.is_file()
    }
    assert all(
        (tmp_path / "a.zarr" / file).read_bytes() == (tmp_path / "b.zarr" / file).read_bytes()
        for file in files
    )


def test_the_manifest_holds_the_checksum_of_every_object(tmp_path):
    write(tmp_path / "a.zarr")
    objects = json.loads((tmp_path / "a.zarr/manifest.json").read_text())["objects"]
    there = {
        path.relative_to(tmp_path / "a.zarr").as_posix(): path
        for path in (tmp_path / "a.zarr").rglob("*")
        if path.is_file()
    }
    assert set(objects) == set(there) - {"manifest.json"}
    assert all(
        hashlib.sha256(there[name].read_bytes()).hexdigest() == entry["sha256"]
        for name, entry in objects.items()
    )
    assert open_store(str(tmp_path / "a.zarr")).nbytes == sum(
        there[name].stat().st_size for name in objects
    )


def test_an_unfinished_store_is_refused_with_the_way_out(tmp_path):
    write(tmp_path / "a.zarr", finish=False)
    with pytest.raises(StoreError, match="not finished; run the same `bids-dl convert` again"):
        open_store(str(tmp_path / "a.zarr"))


def test_a_store_that_is_written_again_is_refused_meanwhile(tmp_path):
    write(tmp_path / "a.zarr")
    writer.reopen(Location(str(tmp_path / "a.zarr")))
    with pytest.raises(StoreError, match="not finished"):
        open_store(str(tmp_path / "a.zarr"))


def test_nothing_is_written_over_something_that_is_no_store(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds 'thesis\.txt' and is no bids-dl store"):
        writer.begin(Location(str(tmp_path)), "a plan")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (None, "no store there"),
        ("{}", "no bids-dl store"),
        ("{", "cannot be read"),
        ('{"attributes": {"format": "bids-dl"}}', "version None"),
    ],
)
def test_what_is_no_store_is_refused_in_one_line(tmp_path, root, message):
    if root is not None:
        (tmp_path / "a.zarr").mkdir()
        (tmp_path / "a.zarr/zarr.json").write_text(root)
    with pytest.raises(StoreError, match=message) as refusal:
        open_store(str(tmp_path / "a.zarr"))
    assert "\n" not in str(refusal.value)


def test_a_flipped_byte_in_a_column_is_found(tmp_path):
    write(tmp_path / "a.zarr")
    chunk = tmp_path / "a.zarr/onset/c/0"
    content = bytearray(chunk.read_bytes())
    content[5] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="array 'onset' cannot be read"):
        open_store(str(tmp_path / "a.zarr")).read("onset")


def test_a_store_in_memory_is_a_store(tmp_path):
    values = write("memory://here/a.zarr")
    np.testing.assert_array_equal(open_store("memory://here/a.zarr").read("signals"), values)


@given(
    n_windows=st.integers(1, 10**6),
    n_chans=st.integers(1, 300),
    n_times=st.integers(1, 10_000),
    chunk_bytes=st.integers(1, 10**6),
    shard_bytes=st.integers(1, 10**8),
)
def test_shards_are_whole_chunks_and_chunks_whole_windows(
    n_windows, n_chans, n_times, chunk_bytes, shard_bytes
):
    chunk, shard = sizes(
        (n_windows, n_chans, n_times), StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=shard_bytes)
    )
    window_bytes = 4 * n_chans * n_times
    assert shard % chunk == 0
    assert chunk == 1 or chunk * window_bytes <= 1.5 * chunk_bytes
    assert shard == chunk or shard * window_bytes <= shard_bytes
    assert shard < n_windows + chunk


def test_chunks_are_near_half_a_megabyte_and_shards_64_to_128():
    chunk, shard = sizes((100_000, 64, 256), StoreConfig())
    assert 0.4e6 < chunk * 64 * 256 * 4 < 0.6e6
    assert 64e6 < shard * 64 * 256 * 4 < 128e6


@pytest.mark.parametrize(
    ("said", "name"),
    [
        *[
            ("CC0", "CC0-1.0"),
            ("CC-0", "CC0-1.0"),
            ("CC BY 4.0", "CC-BY-4.0"),
            ("CC-BY-SA-4.0", "CC-BY-SA-4.0"),
            ("PDDL", "PDDL-1.0"),
        ],
        *[
            ("https://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
            ("CC BY", ""),
            ("CC BY 4.1", ""),
            ("ask me", ""),
            ("", ""),
        ],
    ],
)
def test_licences_are_named_by_spdx(said, name):
    assert card.spdx(said) == name


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY-ND 4.0",
        "CC BY-NC-ND",
        "https://creativecommons.org/licenses/by-nd/4.0/",
        "Attribution-NoDerivatives",
    ],
)
def test_a_licence_that_forbids_changes_is_refused(licence):
    with pytest.raises(SourceError, match="forbids sharing changed copies"):
        card.check_licences({"ds1": licence})


def test_share_alike_beside_another_licence_is_refused():
    card.check_licences({"ds1": "CC BY-SA 4.0", "ds2": "CC0", "ds3": "Public Domain", "ds4": ""})
    with pytest.raises(SourceError, match="exclude each other"):
        card.check_licences({"ds1": "CC BY-SA 4.0", "ds2": "CC BY 4.0"})


def test_one_conversion_at_a_time_writes_to_a_place(tmp_path):
    place = Location(str(tmp_path / "a.zarr"))
    with place.exclusive_lock():
        with (
            pytest.raises(StoreError, match="another conversion is writing here"),
            Location(str(tmp_path / "a.zarr")).exclusive_lock(),
        ):
            pass
        with Location(str(tmp_path / "b.zarr")).exclusive_lock():
            pass
    with place.exclusive_lock():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_lost_a_shard_while_it_was_written_is_not_finished(tmp_path):
    draft = write(tmp_path / "a.zarr", finish=False)
    (tmp_path / "a.zarr/signals/c/1/0/0").unlink()
    with pytest.raises(DamagedStoreError, match=r"signals has 2 of 3 objects"):
        writer.finish(draft, ATTRIBUTES, ["signals", "channel", "label", "onset"], {})
    assert not (tmp_path / "a.zarr/zarr.json").exists()


def test_a_column_whose_object_is_gone_is_damage_not_fill_values(tmp_path):
    write(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/label/c/0").unlink()
    with pytest.raises(DamagedStoreError, match="array 'label' cannot be read"):
        open_store(str(tmp_path / "a.zarr")).read("label")
