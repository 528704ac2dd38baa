"""The page of a record: its numbers are the metrics, it loads nothing and injects nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from example_records import class_record, labels_record, number_record, shares_record, sleep_record
from hostile_text import MARKS, STEERING
from html_page import (
    LOADING_TAGS,
    Page,
    assert_described,
    assert_links_have_targets,
    assert_loads_nothing,
)

from bids_dl.training.record import Record
from bids_dl.training.record.metric_names import format_metric, name_metric
from bids_dl.training.record.page import MAX_SHOWN, render_record

MAKERS = {
    "two classes": class_record,
    "number": number_record,
    "shares": shares_record,
    "labels": labels_record,
    "sleep": sleep_record,
}


@pytest.fixture(scope="module", params=MAKERS)
def record(request) -> Record:
    return MAKERS[request.param]()


@pytest.fixture(scope="module")
def content(record) -> bytes:
    return render_record(record)


@pytest.fixture(scope="module")
def page(content) -> Page:
    return Page(content)


def test_the_page_is_well_formed_html(content, page):
    assert content.startswith(b"<!DOCTYPE html>\n<html lang=")
    assert page.problems == []


def test_the_page_loads_nothing_and_runs_no_script(content, page):
    assert_loads_nothing(content, page)


def test_every_link_inside_the_page_has_a_target(page):
    assert_links_have_targets(page)


def test_table_headers_have_a_scope_and_charts_have_a_description(page):
    assert_described(page)


def test_no_coordinate_is_undefined(content):
    assert not re.search(rb'(points|cx|cy|r|x1|style)="[^"]*(nan|inf)', content)


@pytest.mark.parametrize("unit", ["windows", "votes", "person_means"])
def test_the_tables_show_the_metrics_and_band_power(record, page, unit):
    names = {"windows": "windows", "votes": "votes", "person_means": "single persons, mean"}
    table = page.tables[f"Metrics of {names[unit]}, other people"]
    rows = {row[0]: row[1:] for row in table[1:]}
    kind, baseline = record.metrics["kind"], record.metrics["baselines"]["band_power"]
    for metric, score in record.metrics[unit].items():
        if isinstance(score, dict):
            row = rows.pop(name_metric(kind, metric))
            assert row[0] == format_metric(metric, score["value"])
            if score["low"] is not None:
                low, high = row[1].removesuffix(" %").split(" to ")
                assert low == format_metric(metric, score["low"]).removesuffix(" %")
                assert high == format_metric(metric, score["high"]).removesuffix(" %")
            assert row[2] == format_metric(metric, baseline[unit][metric]["value"])
    assert rows == {}


def test_the_headline_has_the_main_metric_of_each_system(record, page):
    table = page.tables["The main metric and its baselines, other people"]
    main = record.metrics["main"]
    rows = {row[0]: row for row in table[1:]}
    model = rows.pop("shallow-fbcsp")
    assert model[1] == format_metric(main, record.metrics["windows"][main]["value"])
    assert model[3] == format_metric(main, record.metrics["votes"][main]["value"])
    assert model[1] in page.words.split("people tested")[0]
    assert len(rows) == len(record.metrics["baselines"])


def test_each_person_and_fold_has_a_row_with_its_value(record, page):
    main = record.metrics["main"]
    title = name_metric(record.metrics["kind"], main)
    heading = title.capitalize() if title.islower() else title
    persons = page.tables[f"{heading} of each person, other people"][1:]
    values = {row[0]: row[2] for row in persons}
    expected = {row["subject"]: format_metric(main, row[main]) for row in record.metrics["persons"]}
    assert values == expected
    folds = page.tables["Folds: tested windows and training of each model"][1:]
    assert [row[2] for row in folds] == [row["held_out"] for row in record.metrics["folds"]]
    assert [row[4] for row in folds] == list(expected.values())


def test_command_versions_store_and_sources_are_shown(record, page):
    store = record.config["store"]
    texts = [store["content"], store["manifest_sha256"], "10.18112/openneuro.ds004362.v1.0.0"]
    texts += [record.config["command"], "torch 2.13.0", "Python 3.12.3", "licence: CC0"]
    texts += ["recording: a recording has several classes", "41.5 s", "45,230"]
    assert [text for text in texts if text not in page.words] == []
    assert "timm" not in page.words


def test_the_confusion_matrix_has_the_counts():
    record = class_record(("a", "b", "c"))
    page = Page(render_record(record))
    for unit in ("windows", "votes"):
        rows = page.tables[f"Confusion matrix of {unit}, other people"][1:]
        counts = record.metrics[unit]["confusion"]
        for row, expected in zip(rows, counts, strict=True):
            cells = [f"{n}{100 * n / sum(expected):.0f} %" for n in expected]
            assert row[1:] == cells


def test_metrics_of_each_class_are_shown():
    record = class_record(("a", "b", "c"))
    table = Page(render_record(record)).tables["Metrics of each class, windows, other people"]
    for row, expected in zip(table[1:], record.metrics["windows"]["per_class"], strict=True):
        names = ("precision", "recall", "f1", "specificity", "npv")
        values = [format_metric(name, expected[name]) for name in names]
        assert row == [expected["class"], str(expected["n"]), *values]


def test_every_headline_says_same_person_if_the_folds_are_within_persons():
    page = Page(render_record(class_record(same_person=True)))
    assert "other people." in page.words  # the warning
    assert not [caption for caption in page.tables if "other people" in caption]
    assert "The main metric and its baselines, same person" in page.tables
    assert "accuracy, windows, same person" in page.words
    assert "Training and test windows are of the same people." in page.words


def test_warnings_are_shown():
    page = Page(render_record(class_record(n_persons=3)))
    assert "3 people were tested; intervals over under 10 people are coarse" in page.words


def test_a_training_without_validation_has_no_legend_of_it():
    record = class_record()
    assert "validation windows" in Page(render_record(record)).words
    history = record.history.assign(validation_loss=float("nan"), validation_accuracy=float("nan"))
    assert "validation windows" not in Page(render_record(replace(record, history=history))).words


def test_a_missing_baseline_has_its_reason():
    record = class_record()
    record.metrics["baselines"]["band_power"] = {"reason": "windows of 0.1 s are too short"}
    page = Page(render_record(record))
    assert "Band power is missing: windows of 0.1 s are too short" in page.words
    assert "band power" not in page.words.replace("Band power is missing", "")


def test_one_person_has_no_interval_and_a_page():
    page = Page(render_record(class_record(n_persons=1)))
    assert page.problems == []
    assert "95 % interval: none" in page.words


def test_the_spread_over_seeds_is_apart_from_the_interval():
    record = class_record(n_seeds=3)
    page = Page(render_record(record))
    table = page.tables["Spread over 3 seeds, of windows"]
    spread = record.metrics["seed_spread"]["accuracy"]
    values = [format_metric("accuracy", spread[name]) for name in ("mean", "sd", "min", "max")]
    assert table[1] == ["accuracy", *values]
    assert "The spread over seeds is not the interval over people." in page.words
    assert "All numbers are of seed 0." in page.words
    assert not any("Spread" in caption for caption in Page(render_record(class_record())).tables)


@pytest.mark.parametrize("count", [40, 41])
def test_many_classes_are_shown_or_counted(count):
    classes = tuple(f"class {number}" for number in range(count))
    page = Page(render_record(class_record(classes, n_persons=2)))
    assert page.problems == []
    hidden = count - MAX_SHOWN["outputs"]
    assert ("and 1 more in metrics.json" in page.words) == (hidden == 1)
    assert ("Confusion matrix of windows, other people" in page.tables) == (hidden == 0)


def test_the_worst_of_many_persons_are_shown_and_the_others_counted():
    record = class_record(n_persons=260)
    content = render_record(record)
    page = Page(content)
    rows = page.tables["Accuracy of each person, other people"][1:]
    shown = [float(row[2].removesuffix(" %")) for row in rows]
    assert len(rows) == 200
    assert shown == sorted(shown)
    assert "and 60 more, each at least as good" in page.words
    assert "The page shows the worst 200 of 260" in page.words
    assert len(content) < 300_000


def test_a_sleep_recording_has_both_panels_and_many_are_counted():
    page = Page(render_record(sleep_record(n_persons=2)))
    labels = page.values("aria-label")
    key = "sub-001_ses-01_task-rest"
    assert labels.count(f"Stages of the expert, {key}") == 2  # wide and narrow
    assert labels.count(f"Predicted stages, {key}") == 2
    assert "Shown are the first" not in page.words


def test_text_of_users_cannot_inject_markup():
    names = tuple(f"{mark}{number}" for number, mark in enumerate(MARKS))
    record = class_record(names, n_persons=2)
    hostile = "".join(MARKS)
    record.metrics["warnings"] = [hostile]
    record.metrics["normalize"]["reason"] = hostile
    for row in [*record.metrics["folds"], *record.metrics["persons"]]:
        row["held_out"] = row["subject"] = hostile
    config = record.config | {"command": hostile}
    config["settings"] = {"model": hostile, "target": [hostile], "where": {hostile: hostile}}
    config["store"] = record.config["store"] | {"url": hostile}
    config["store"]["sources"] = [{"dataset": hostile, "doi": hostile, "licence": hostile}]
    content = render_record(replace(record, config=config))
    page = Page(content)
    assert page.problems == []
    assert not {tag for tag, _ in page.tags} & LOADING_TAGS
    assert not STEERING.search(content.decode("utf-8").replace("\n", ""))
    assert "<script>alert(1)</script>" in page.text


def test_the_same_record_gives_the_same_page():
    assert render_record(class_record()) == render_record(class_record())
