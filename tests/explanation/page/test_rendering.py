"""The page of an explanation: its numbers are the arrays, it loads nothing and injects nothing."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from explanations import make_explanation
from hostile_text import MARKS, STEERING
from html_page import (
    LOADING_TAGS,
    Page,
    assert_described,
    assert_links_have_targets,
    assert_loads_nothing,
)

from bids_dl.explanation.contents import Explanation
from bids_dl.explanation.page import render_explanation
from bids_dl.explanation.page.rendering import MAX_OUTPUTS

NO_EVIDENCE = "Nothing on this page is evidence about brains."
MANY_CHANNELS = [f"E{number}" for number in range(1, 130)]
CASES = {
    "two classes": {},
    "four classes": {"outputs": ("a", "b", "c", "d"), "n_folds": 8},
    "number": {"outputs": ("age",), "n_folds": 1},
    "no positions": {"has_positions": False},
    "129 channels": {"channels": MANY_CHANNELS, "n_folds": 1},
    "129 without positions": {"channels": MANY_CHANNELS, "has_positions": False, "n_folds": 1},
    "images": {"input_shape": (3, 24, 24), "n_folds": 2},
    "one channel": {"channels": ("Cz",)},
}


@pytest.fixture(scope="module", params=CASES)
def explanation(request) -> Explanation:
    return make_explanation(**CASES[request.param])


@pytest.fixture(scope="module")
def content(explanation) -> bytes:
    return render_explanation(explanation)


@pytest.fixture(scope="module")
def page(content) -> Page:
    return Page(content)


def without_numbers(value):
    """Replace every number of an explanation by NaN."""
    if isinstance(value, np.ndarray):
        return np.full_like(value, np.nan) if value.dtype.kind == "f" else value
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            field.name: without_numbers(getattr(value, field.name)) for field in fields(value)
        }
        return replace(value, **changes)
    return tuple(map(without_numbers, value)) if isinstance(value, tuple) else value


def test_the_page_is_well_formed_html(content, page):
    assert content.startswith(b"<!DOCTYPE html>\n<html lang=")
    assert page.problems == []


def test_the_page_loads_nothing_and_runs_no_script(content, page):
    assert_loads_nothing(content, page)


def test_every_link_inside_the_page_has_a_target(page):
    assert_links_have_targets(page)


def test_table_headers_have_a_scope_and_figures_have_a_description(page):
    assert_described(page)


def test_tables_scroll_in_a_box_that_the_keyboard_reaches(page):
    boxes = [tag for _, tag in page.tags if tag.get("class") == "scroll"]
    n_tables = sum(tag == "table" for tag, _ in page.tags)
    assert len(boxes) == n_tables
    assert {box["tabindex"] for box in boxes} == {"0"}
    assert all(box["aria-label"] for box in boxes)


def test_no_coordinate_is_undefined(content):
    assert not re.search(rb'(points|cx|cy|r|x1|d|width)="[^"]*(nan|inf)', content)
    assert b"nan" not in re.sub(rb"<style>.*?</style>", b"", content, flags=re.DOTALL).lower()


def test_every_claim_is_a_row_with_its_control(explanation, page):
    rows = page.tables["Statements and their controls"][1:]
    expected = []
    for claim in sorted(explanation.claims, key=lambda claim: claim.part != "accuracy"):
        result = "✓ shown" if claim.is_shown else "✗ not shown"
        expected.append([result, claim.part + claim.output, claim.statement, claim.control])
    assert rows == expected
    assert "2 of 3 statements are shown." in page.words


def test_a_network_that_is_not_better_than_chance_is_no_evidence():
    page = Page(render_explanation(make_explanation(is_better_than_chance=False)))
    before, _, after = page.words.partition(NO_EVIDENCE)
    assert "statements" not in before
    assert "0 of 3 statements are shown." in after
    assert NO_EVIDENCE not in Page(render_explanation(make_explanation())).words


def test_the_table_has_the_largest_difference_of_each_band():
    explanation = make_explanation()
    rows = Page(render_explanation(explanation)).tables["Largest difference of each band, closed"]
    best = explanation.best_windows.difference
    assert len(rows) == 6
    for band, row in enumerate(rows[1:]):
        channel = np.abs(best.value[1, band]).argmax()
        assert row[1] == explanation.axes.channels[channel]
        assert float(row[2].replace("−", "-")) == pytest.approx(
            best.value[1, band, channel], abs=0.051
        )
    assert rows[3][0] == "alpha 8–13 Hz"
    assert rows[3][1] in {"O1", "O2", "Oz"}


def test_marked_electrodes_are_those_whose_interval_excludes_zero():
    explanation = make_explanation()
    content = render_explanation(explanation).decode()
    best = explanation.best_windows.difference
    n_marked = ((best.low > 0) | (best.high < 0)).sum()
    marks = re.findall(r'class="marks" d="([^"]*)"', content)
    assert sum(path.count("M") for path in marks) == n_marked == 3


def test_the_table_says_how_far_inputs_lie_outside_the_data(explanation, page):
    name = explanation.spec.outputs[-1]
    rows = page.tables[f"How far the inputs lie outside the data, {name}"][1:]
    assert [row[0] for row in rows] == [fold["held_out"] for fold in explanation.folds]
    expected = ["10.0 Hz (9.0 to 10.5)", "42.0", "0.5", "−2.0 to 4.0", "outside the data"]
    assert rows[0][1:] == expected


def test_inputs_within_the_data_are_said_to_be():
    explanation = make_explanation()
    logits = np.full_like(explanation.maximization.logits, 3.9)
    inside = replace(explanation, maximization=replace(explanation.maximization, logits=logits))
    tables = Page(render_explanation(inside)).tables
    rows = tables["How far the inputs lie outside the data, closed"][1:]
    assert {row[-1] for row in rows} == {"within the data"}


def test_layers_below_the_limit_are_independent():
    explanation = make_explanation()
    content = render_explanation(explanation)
    table = next(
        rows for caption, rows in Page(content).tables.items() if caption.startswith("Rank corr")
    )
    assert [row[0] for row in table[1:-1]] == ["head", "spatial", "temporal"]
    assert content.count(b'class="n independent"') == 6  # all but the two of the layer "head"


def test_the_completeness_gap_is_stated_for_integrated_gradients(page, explanation):
    gap = "2.10 % (2.10 to 2.10 % over folds)" if len(explanation.folds) > 1 else "2.10 %"
    assert page.words.count(f"Completeness gap: {gap}") == explanation.spec.n_outputs


def test_bars_replace_maps_only_without_positions():
    with_maps = render_explanation(make_explanation())
    with_bars = render_explanation(make_explanation(has_positions=False))
    assert b'class="head"' in with_maps
    assert b'class="channelbars"' not in with_maps
    assert b'class="head"' not in with_bars
    assert b'class="channelbars"' in with_bars
    assert b"bars replace maps of the head" in with_bars


def test_images_are_shown_only_for_models_with_a_transform():
    page = render_explanation(make_explanation(input_shape=(3, 24, 24))).decode()
    assert "transform band-topography (3 × 24 × 24)" in page
    assert page.count('class="image"') == 2 * 2 * 3
    assert 'class="image"' not in render_explanation(make_explanation()).decode()


def test_many_outputs_are_counted():
    names = tuple(f"stage {number}" for number in range(MAX_OUTPUTS + 1))
    page = Page(render_explanation(make_explanation(names, n_folds=1)))
    assert page.problems == []
    assert f"Figures show the first {MAX_OUTPUTS} of {MAX_OUTPUTS + 1} outputs" in page.words
    assert f"Largest difference of each band, {names[-1]}" not in page.tables


def test_a_page_without_any_number_is_well_formed():
    page = Page(content := render_explanation(without_numbers(make_explanation())))
    assert page.problems == []
    test_no_coordinate_is_undefined(content)


def test_text_of_users_cannot_inject_markup():
    hostile = "".join(MARKS)
    explanation = make_explanation((hostile, f"{hostile}2"), channels=[hostile + c for c in "abc"])
    claim = replace(explanation.claims[0], output=hostile, statement=hostile, control=hostile)
    layers = replace(explanation.randomization, layers=(hostile, "b", "c"))
    source = dict.fromkeys(["store", "run", "model", "command", hostile], hostile)
    content = render_explanation(
        replace(
            explanation,
            source=source | {"versions": {hostile: hostile}},
            folds=[{"held_out": hostile, "n_windows": 1, "n_persons": 1}] * 4,
            claims=(claim,),
            randomization=layers,
            warnings=(hostile,),
        )
    )
    page = Page(content)
    assert page.problems == []
    assert not {tag for tag, _ in page.tags} & LOADING_TAGS
    assert not STEERING.search(content.decode("utf-8").replace("\n", ""))
    assert "<script>alert(1)</script>" in page.text


def test_the_same_explanation_gives_the_same_page():
    assert render_explanation(make_explanation()) == render_explanation(make_explanation())


def test_the_page_of_64_channels_and_four_folds_is_under_two_megabytes():
    channels = [f"E{number}" for number in range(64)]
    assert len(render_explanation(make_explanation(channels=channels))) < 2_000_000


def test_command_versions_and_settings_are_shown(page, explanation):
    texts = [explanation.source["command"], "torch 2.13.0", "seed0", "quantile0.3"]
    assert [text for text in texts if text not in page.words] == []
