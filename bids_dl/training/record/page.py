"""The page of a record, rendered with templates/record.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bids_dl.reporting.templating import open_templates
from bids_dl.training.record.calibration import calibration_bins, plot_calibration
from bids_dl.training.record.confusion import tabulate_confusion
from bids_dl.training.record.contents import Record
from bids_dl.training.record.hypnogram import (
    NARROW_SIZE,
    WIDE_SIZE,
    collect_hypnograms,
    plot_hypnogram,
)
from bids_dl.training.record.learning_curves import (
    MAX_THIN_LINES,
    count_curves,
    has_validation,
    plot_learning_curves,
    quantities,
)
from bids_dl.training.record.metric_names import format_metric, name_metric
from bids_dl.training.record.persons import list_persons
from bids_dl.training.record.roc import plot_roc, roc_curves
from bids_dl.training.record.scatter import plot_scatter
from bids_dl.training.record.scores import (
    UNIT_NAMES,
    MetricEstimate,
    System,
    bounds_of,
    fit_axis,
    list_metrics,
    list_systems,
    list_unbeaten,
)
from bids_dl.training.record.setup import (
    describe_split,
    describe_target,
    is_class_its_own_recording,
    name_target,
    select_settings,
)

MAX_SHOWN = {"persons": 200, "folds": 200, "hypnograms": 24, "outputs": 40}
"""Numbers of rows and figures on the page, which says how many it leaves out."""
CLASS_COLUMNS = ("precision", "recall", "f1", "specificity", "npv")
LABEL_COLUMNS = ("accuracy", "balanced_accuracy", "f1", "auroc")


def render_record(record: Record) -> bytes:
    """Render the page of a record.

    Parameters
    ----------
    record
        A finished training.

    Returns
    -------
    bytes
        One HTML document in UTF-8 that loads nothing and runs no script. The same record gives the
        same bytes.
    """
    metrics = record.metrics
    main = metrics["main"]
    model = record.config["settings"]["model"]
    systems = list_systems(metrics, main, model)
    persons = list_persons(metrics)
    values = [value for person in persons for value in (person.value, person.band_power)]
    environment = open_templates("bids_dl.training.record")
    environment.filters |= {"metric": _format_for_template, "metric_name": _name_for_template}
    content = environment.get_template("record.html").render(
        record=record,
        metrics=metrics,
        spec=record.spec,
        model=model,
        main=main,
        title=name_metric(metrics["kind"], main),
        setup=_describe_setup(record),
        people=name_people(metrics),
        store_name=_name_store(record.config["store"]),
        systems=systems,
        unbeaten=list_unbeaten(systems, metrics["kind"], main),
        axis=fit_axis(metrics["kind"], main, bounds_of(systems)),
        comparisons=_compare_all(metrics, model),
        outputs=_describe_outputs(metrics),
        persons=persons,
        person_axis=fit_axis(metrics["kind"], main, values),
        several=len({person.dataset for person in persons}) > 1,
        curves=_plot_curves(record),
        figures=_plot_outcomes(record),
        hypnograms=_plot_hypnograms(record),
        max_shown=MAX_SHOWN,
    )
    return content.encode("utf-8", "replace")


def name_people(metrics: Mapping[str, Any]) -> str:
    """Name the relation of the tested persons to those that the model has seen.

    Examples
    --------
    >>> name_people({"same_person": False, "n_seen_persons": 2})
    'people seen before'
    """
    if metrics["same_person"]:
        return "same person"
    return "people seen before" if metrics.get("n_seen_persons") else "other people"


def _describe_setup(record: Record) -> dict[str, Any]:
    """Describe target, split and windows in words, and select the settings with an effect."""
    settings = record.config["settings"]
    folds = {fold["fold"] for fold in record.metrics.get("folds", ())}
    return {
        "title": name_target(record.spec),
        "target": describe_target(record.spec),
        "split": describe_split(settings, len(folds)),
        "window_seconds": f"{record.window_seconds:g}",
        "is_confounded": is_class_its_own_recording(record.spec, record.predictions),
        "settings": select_settings(settings, record.spec),
    }


def tested_values(record: Record) -> dict[str, float | None]:
    """Return the values of the tested windows of the quantities that have learning curves."""
    values: dict[str, float | None] = {}
    for name in quantities(record.history):
        score = record.metrics["windows"].get(name)
        values[name] = score["value"] if isinstance(score, Mapping) else None
    return values


def _compare_all(metrics: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
    """Return the model and the baselines of each metric: one table per unit."""
    names = list_metrics(metrics)
    systems = {name: list_systems(metrics, name, model) for name in names}
    tables = []
    for unit, unit_name in UNIT_NAMES.items():
        baselines = []
        for system in systems[names[-1]][1:]:  # because some baselines have only the main metric
            if any(_find(systems[name], system.name, unit).value is not None for name in names):
                baselines.append(system.name)
        rows = []
        for name in names:
            row = {"name": name, "title": name_metric(metrics["kind"], name)}
            estimates = [_find(systems[name], baseline, unit) for baseline in baselines]
            rows.append(row | {"model": systems[name][0].scores[unit], "baselines": estimates})
        tables.append({"unit": unit_name, "baselines": baselines, "rows": rows})
    return tables


def _find(systems: Sequence[System], name: str, unit: str) -> MetricEstimate:
    """Return the estimate of the system of a name, an undefined one if it has none."""
    for system in systems:
        if system.name == name:
            return system.scores[unit]
    return MetricEstimate(None)


def _describe_outputs(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the table of classes or of labels, and the confusion matrices of classes."""
    windows = metrics["windows"]
    if "per_class" in windows:
        matrices = {}
        if len(metrics["outputs"]) <= MAX_SHOWN["outputs"]:  # thousands of classes take gigabytes
            for unit in ("windows", "votes"):
                matrices[unit] = tabulate_confusion(metrics[unit]["confusion"])
        units = {unit: metrics[unit]["per_class"] for unit in ("windows", "votes")}
        return {"key": "class", "columns": CLASS_COLUMNS, "units": units, "matrices": matrices}
    if "per_label" in windows:
        units = {unit: metrics[unit]["per_label"] for unit in ("windows", "votes")}
        return {"key": "label", "columns": LABEL_COLUMNS, "units": units, "matrices": {}}
    return None


def _plot_curves(record: Record) -> dict[str, Any]:
    """Plot the learning curves, none without epochs."""
    if not len(record.history):
        return {"n": 0}
    tested = tested_values(record)
    return {
        "plots": plot_learning_curves(record.history, test_values=tested),
        "tested": tested,
        "has_validation": has_validation(record.history),
        "n": count_curves(record.history),
        "n_thin": MAX_THIN_LINES,
    }


def _plot_outcomes(record: Record) -> dict[str, Any]:
    """Plot ROC and calibration, or the scatter plot of a number."""
    spec = record.spec
    predictions = record.of_first_seed(record.predictions)
    votes = record.of_first_seed(record.votes)
    if spec.kind == "number":
        plot, n_plotted = plot_scatter(spec, votes)
        return {"scatter": plot, "n_plotted": n_plotted, "n_votes": len(votes)}
    bins = calibration_bins(spec, predictions)
    figures: dict[str, Any] = {"bins": bins, "calibration": plot_calibration(spec, bins)}
    curves = roc_curves(spec, {"windows": predictions, "votes": votes})
    if curves:
        figures |= {"roc": plot_roc(curves), "roc_names": [curve.name for curve in curves]}
    return figures


def _plot_hypnograms(record: Record) -> dict[str, Any]:
    predictions = record.of_first_seed(record.predictions)
    hypnograms = collect_hypnograms(record.spec, predictions, window_seconds=record.window_seconds)
    nights = []
    for hypnogram in hypnograms[: MAX_SHOWN["hypnograms"]]:
        sizes = {"wide": WIDE_SIZE, "narrow": NARROW_SIZE}
        plots = {name: plot_hypnogram(hypnogram, size) for name, size in sizes.items()}
        nights.append({"key": hypnogram.key, "plots": plots})
    return {"nights": nights, "n": len(hypnograms)}


def _name_store(store: Mapping[str, Any]) -> str:
    """Return the name of a store, by default the last part of its URL."""
    url = str(store["url"])
    return str(store.get("name") or url.rstrip("/").rpartition("/")[2] or url)


def _format_for_template(value: float | None, name: str) -> str:
    return format_metric(name, value)


def _name_for_template(name: str, kind: Any) -> str:
    return name_metric(kind, name)
