"""Imports without collections of garbage, and of inflect without type checks."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from bids_dl.startup import paused_collection

CODE = """
import sys
import typeguard
from bids_dl.startup import import_inflect
original = typeguard.typechecked
import_inflect()
assert "inflect" in sys.modules
assert typeguard.typechecked is original
import inflect
print(inflect.engine().plural("second"), inflect.engine().plural("hertz"))
import_inflect()
"""


def test_inflect_is_imported_and_typeguard_is_restored():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert run.stdout.split()[0] == "seconds"


def test_a_missing_typeguard_leaves_the_import_to_inflect(monkeypatch):
    from bids_dl.startup import import_inflect

    monkeypatch.delitem(sys.modules, "inflect", raising=False)
    monkeypatch.setitem(sys.modules, "typeguard", None)
    import_inflect()
    assert "inflect" not in sys.modules


@pytest.mark.parametrize("is_enabled", [True, False])
def test_collection_is_paused_inside_the_context_only(is_enabled):
    was_enabled = gc.isenabled()
    try:
        (gc.enable if is_enabled else gc.disable)()
        with suppress(KeyError), paused_collection():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
