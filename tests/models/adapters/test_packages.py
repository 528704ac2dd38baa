from __future__ import annotations

import doctest
import subprocess
import sys
import warnings

import pytest

from bids_dl.errors import ModelError
from bids_dl.models.adapters import packages
from bids_dl.models.adapters.packages import RepairWarning, import_optional, recorded_repairs


def test_a_package_that_is_not_installed_is_named_with_its_extra():
    command = r"run pip install 'timm.*torch==.* \(extra timm\)"
    with pytest.raises(ModelError, match=f"package no_such_package is not installed; {command}"):
        import_optional("no_such_package.models", "timm")


def test_another_failure_of_an_import_is_reported_and_not_repaired(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("raise RuntimeError('no licence\\nmore')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"import broken_package fails: no licence$"):
        import_optional("broken_package", "timm")


def test_repairs_are_collected_and_other_warnings_hidden(recwarn):
    with recorded_repairs() as repairs:
        warnings.warn("import x: repaired", RepairWarning, stacklevel=1)
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    assert repairs == ["import x: repaired"]
    assert not recwarn.list


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "name"), [("timm", "timm"), ("braindecode", "braindecode.models")]
)
def test_a_repaired_import_says_so_once_and_a_plain_one_says_nothing(package, name):
    code = (
        "from bids_dl.models.adapters.packages import import_optional, recorded_repairs\n"
        "for _ in range(2):\n"
        "    with recorded_repairs() as repairs:\n"
        f"        import_optional({name!r}, {package!r})\n"
        "    print(len(repairs))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if "is not installed" in done.stderr:
        pytest.skip(f"{package} is not installed")
    plain = subprocess.run([sys.executable, "-W", "ignore", "-c", f"import {name}"])
    expected = "0\n0\n" if plain.returncode == 0 else "1\n0\n"
    assert done.stdout == expected, done.stderr


def test_the_core_imports_no_adapted_package():
    code = (
        "import sys, bids_dl.training; "
        "print({'timm', 'braindecode', 'torchvision', 'torchaudio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_examples_of_the_docstrings_run():
    names = {"warnings": warnings}
    assert doctest.testmod(packages, extraglobs=names).failed == 0
