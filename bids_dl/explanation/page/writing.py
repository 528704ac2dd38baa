"""Files of an explanation: page, arrays and table of claims."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bids_dl.errors import ConfigError
from bids_dl.explanation.arrays import write_arrays
from bids_dl.explanation.contents import Explanation
from bids_dl.explanation.page.rendering import render_explanation
from bids_dl.output import check_output, check_outside_store, writing
from bids_dl.wording import join_names

PAGE = "explanation.html"
FILES = frozenset({PAGE, "explanation.npz", "claims.csv"})
DEFAULT_FOLDER = "explanation"  # of a run folder
PARTIAL = ".explanation-"  # begins the name of a folder of files that are not complete


@dataclass(frozen=True, slots=True, eq=False)
class WrittenExplanation:
    """An explanation and its page.

    Attributes
    ----------
    page
        The page ``explanation.html``. ``explanation.npz`` and ``claims.csv`` are beside it.
    explanation
        Arrays and claims.
    """

    page: Path
    explanation: Explanation


def claimed_folder(run_dir: Path, requested: Path | None, *, store: str) -> Path:
    """Return the folder for the files of an explanation, before it is computed.

    Parameters
    ----------
    run_dir
        Run folder, in which the default folder ``explanation`` lies.
    requested
        Another folder: new, empty, or of an explanation, which is replaced.
    store
        Path or URL of the store, in which the folder cannot be.

    Raises
    ------
    ConfigError
        The folder has other files, is inside the store, or cannot be written.

    Examples
    --------
    >>> claimed_folder(Path("runs/eyes"), None, store="eyes.zarr")
    PosixPath('runs/eyes/explanation')
    """
    folder = requested or run_dir / DEFAULT_FOLDER
    title = f"--output {folder}"
    check_outside_store(title, folder, None if "://" in store else Path(store))
    if requested is None and not run_dir.is_dir():
        return folder  # because the computation says what is wrong with the run folder
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{title}: is a file; name a folder")
    others = _list_others(folder)
    if others:
        raise ConfigError(
            f"{title}: holds other files ({join_names(others, limit=3)}); choose another folder"
        )
    check_output(title, folder / PAGE if folder.exists() else folder)
    return folder


def write_explanation(folder: Path, explanation: Explanation) -> WrittenExplanation:
    """Write page, arrays and claims into a folder, the page last.

    Parameters
    ----------
    folder
        A folder of `claimed_folder`. It is created if it does not exist.
    explanation
        The computed explanation.

    Raises
    ------
    ConfigError
        A file cannot be written.
    """
    content = render_explanation(explanation)
    with writing(f"--output {folder}"):
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as partial:
            write_arrays(Path(partial), explanation)
            for file in sorted(Path(partial).iterdir()):
                file.replace(folder / file.name)
            page = Path(partial) / PAGE
            page.write_bytes(content)
            page.replace(folder / PAGE)
    return WrittenExplanation(folder / PAGE, explanation)


def _list_others(folder: Path) -> list[str]:
    """List the entries of a folder that no explanation wrote."""
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir())
    return [name for name in names if name not in FILES and not name.startswith(PARTIAL)]
