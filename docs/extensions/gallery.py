"""Order of the tutorials and decisions, and the first cell of their notebooks."""

from __future__ import annotations

TUTORIALS = (
    "plot_eyes.py",
    "plot_left_right_fist.py",
    "plot_sleep.py",
    "plot_without_hed.py",
    "plot_own_recipe.py",
    "plot_own_model.py",
    "plot_many_datasets.py",
    "plot_eeglab.py",
    "plot_active_learning.py",
    "plot_cluster.py",
    "plot_bucket.py",
    "plot_sharing.py",
    "plot_when_something_fails.py",
)
"""Tutorials in the order in which they are read."""

DECISIONS = (
    "plot_which_split.py",
    "plot_which_scaling.py",
    "plot_which_recipe.py",
    "plot_int16_or_float32.py",
    "plot_window_length.py",
)
"""Decisions in the order in which a study makes them."""


def position(file_name: str) -> tuple[int, str]:
    """Return the sort key of a script. A script that is not listed comes last.

    Examples
    --------
    >>> position("plot_sleep.py"), position("plot_new.py")
    ((2, 'plot_sleep.py'), (18, 'plot_new.py'))
    """
    order = TUTORIALS + DECISIONS
    name = str(file_name)
    return (order.index(name) if name in order else len(order), name)


def first_notebook_cell(requirement: str) -> str:
    """Return the cell that installs bids_dl where it is missing.

    Parameters
    ----------
    requirement
        Requirement for pip: a name, a folder or an address.

    Examples
    --------
    >>> print(first_notebook_cell("bids_dl").splitlines()[-1])
        %pip install -q bids_dl
    """
    return "\n".join(
        (
            "# Install bids_dl, if this notebook runs where it is missing (Jupyter, Colab).",
            "# As long as bids_dl is on no package index, put the folder of a clone in place of",
            "# its name in the last line, such as %pip install -q /content/bids_dl",
            "import importlib.util",
            "",
            'if importlib.util.find_spec("bids_dl") is None:',
            f"    %pip install -q {requirement}",
        )
    )
