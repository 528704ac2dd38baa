"""The page of an explanation, rendered with templates/explanation.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from bids_dl.explanation.contents import Claim, Explanation
from bids_dl.explanation.page.best_windows import describe_best_windows
from bids_dl.explanation.page.channel_figures import ChannelPlotter
from bids_dl.explanation.page.controls import describe_randomization, describe_removal
from bids_dl.explanation.page.maximization import describe_maximization
from bids_dl.explanation.page.plots import style_of
from bids_dl.explanation.page.references import REFERENCES
from bids_dl.explanation.page.saliency import describe_saliency
from bids_dl.reporting.templating import open_templates

if TYPE_CHECKING:
    import jinja2

MAX_OUTPUTS = 8  # with figures; claims and arrays have all
MAX_FOLDS = 60  # rows of the table of models
SOURCE_KEYS = ("store", "run", "model", "command", "versions", "settings")
"""Keys of the source that are shown apart from the settings."""


def render_explanation(explanation: Explanation) -> bytes:
    """Render the page of an explanation.

    Parameters
    ----------
    explanation
        Arrays and claims.

    Returns
    -------
    bytes
        One HTML document in UTF-8 that loads nothing and runs no script. The same explanation gives
        the same bytes.

    Examples
    --------
    >>> render_explanation(explanation)[:15]  # doctest: +SKIP
    b'<!DOCTYPE html>'
    """
    plotter = ChannelPlotter(explanation.axes)
    n_outputs = min(explanation.spec.n_outputs, MAX_OUTPUTS)
    content = _load_template().render(
        spec=explanation.spec,
        axes=explanation.axes,
        source=explanation.source,
        settings=list_settings(explanation.source),
        store_name=_name_last(explanation.source.get("store")),
        run_name=_name_last(explanation.source.get("run")),
        folds=explanation.folds[:MAX_FOLDS],
        n_folds=len(explanation.folds),
        warnings=explanation.warnings,
        claims=sort_claims(explanation.claims),
        verdict=summarize_claims(explanation.claims),
        has_map=plotter.has_map,
        n_outputs=n_outputs,
        best=describe_best_windows(explanation, plotter, n_outputs),
        maximization=describe_maximization(explanation, plotter, n_outputs),
        methods=describe_saliency(explanation, plotter, n_outputs),
        removal=describe_removal(explanation, n_outputs),
        quantile=explanation.removal.quantile,
        randomization=describe_randomization(explanation, n_outputs),
        n_random=explanation.maximization.random_spectra.shape[1],
        references=REFERENCES,
        style_of=style_of,
    )
    return content.encode("utf-8", "replace")


def summarize_claims(claims: Sequence[Claim]) -> dict[str, Any]:
    """Count the claims that are shown, and return whether the network is better than chance.

    Examples
    --------
    >>> summarize_claims([Claim("accuracy", "", "a", "b", False)])
    {'n_shown': 0, 'n_claims': 1, 'beats_chance': False}
    """
    return {
        "n_shown": sum(claim.is_shown for claim in claims),
        "n_claims": len(claims),
        "beats_chance": all(claim.is_shown for claim in claims if claim.part == "accuracy"),
    }


def sort_claims(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims with those on accuracy first, because all others depend on them."""
    return sorted(claims, key=lambda claim: claim.part != "accuracy")


def list_settings(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an explanation by name."""
    others = {name: value for name, value in source.items() if name not in SOURCE_KEYS}
    settings: dict[str, Any] = {**source.get("settings", {}), **others}
    return {name: "all" if value is None else value for name, value in settings.items()}


@cache
def _load_template() -> jinja2.Template:
    return open_templates("bids_dl.explanation.page").get_template("explanation.html")


def _name_last(path: Any) -> str:
    """Return the last part of a path or URL."""
    text = str(path or "")
    return text.rstrip("/").rpartition("/")[2] or text
