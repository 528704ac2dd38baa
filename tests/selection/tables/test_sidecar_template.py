"""Templates of sidecars: columns, counts, suggested tags, and their validity in HED."""

from __future__ import annotations

import io
import json

import pytest
from event_tables import events_config
from hed import Sidecar

from bids_dl.config.selecting.hed_sidecars import parse_hed_sidecars
from bids_dl.datamodel import EventRows
from bids_dl.errors import NoMatchError
from bids_dl.selection import add_hed, select
from bids_dl.selection.schema import bundled_versions, load_schema
from bids_dl.selection.tables.sidecar_template import MAX_LEVELS, TagSuggester, build_template

VERSION = bundled_versions()[-1]


def table(cells: dict[str, list[str]], sidecar: dict | None = None, number: int = 1) -> EventRows:
    columns = {name: tuple(values) for name, values in cells.items()}
    return EventRows(f"ds/sub-{number}", columns, sidecar or {})


@pytest.fixture(scope="module")
def suggester() -> TagSuggester:
    return TagSuggester()


def test_values_are_counted_over_rows_and_recordings():
    tables = [table({"code": ["a", "a", "n/a"]}), table({"code": ["a", "b"]}, number=2)]
    template = build_template(tables)
    assert template.content["code"]["Levels"] == {
        "a": "3 rows in 2 recordings",
        "b": "1 row in 1 recording",
    }
    assert template.content["code"]["Description"] == "2 values in 4 rows"
    [column] = template.columns
    assert (column.n_values, column.n_rows, template.n_recordings) == (2, 4, 2)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("eyes_closed", "Eyes-closed"),
        ("EyesClosed", "Eyes-closed"),
        ("rest-02", "Rest"),
        ("red square", "Red, Square"),
        ("red red", "Red"),
        *((name, "") for name in ("button_press", "S1", "12", "", "Onset", "id", "ärm_left")),
    ],
)
def test_tags_are_suggested_only_for_names_of_tags(suggester, name, tags):
    assert suggester.suggest(name) == tags


def test_the_text_of_a_level_suggests_before_its_value():
    sidecar = {"code": {"Description": "light", "Levels": {"open": "eyes open", "x": {}}}}
    template = build_template([table({"code": ["open", "x"]}, sidecar)])
    entry = template.content["code"]
    assert entry["HED"]["open"].startswith("Eyes-open, ")
    assert entry["Levels"]["open"] == "eyes open; 1 row in 1 recording; suggested: Eyes-open"
    assert entry["Description"] == "light; 2 values in 2 rows"
    assert template.columns[0].suggested == {"open": "Eyes-open"}


AWKWARD = ["S  1", "S 1", "s_1", "日本", "中国", "a,b", "(x", "1.5e3", "left/right", "#", "{a}"]


@pytest.mark.parametrize("cells", [[" go", "go ", "go"], [" go"]])
def test_values_with_blanks_around_them_have_no_hed_because_hedtools_rejects_it(cells):
    content = build_template([table({"code": cells})]).content
    assert list(content["code"].get("HED", {})) == [cell for cell in cells if cell == "go"]
    assert "begins or ends with a blank" in content["code"]["Levels"][" go"]
    schema = load_schema([VERSION], None, dataset="ds", is_override=False)
    assert Sidecar(io.StringIO(json.dumps(content))).validate(schema) == []


def test_a_template_is_valid_hed_and_finds_every_value_as_it_is():
    tables = [table({"onset": [str(i) for i in range(len(AWKWARD))], "type of x": AWKWARD})]
    content = build_template(tables).content
    schema = load_schema([VERSION], None, dataset="ds", is_override=False)
    assert Sidecar(io.StringIO(json.dumps(content))).validate(schema) == []
    merged, notes = add_hed(tables, parse_hed_sidecars(content))
    ids = [hed.rpartition("ID/")[2].rstrip(")") for hed in content["type of x"]["HED"].values()]
    assert len({text.casefold() for text in ids}) == len(AWKWARD)
    queries = [f"ID/{text}" for text in ids[:8]]
    config = events_config(*queries)
    selection = select(merged, config, hed_versions={"ds": VERSION}, sliding=False)
    assert len(selection.events) == len(queries)
    assert notes == ()


@pytest.mark.parametrize(
    "values",
    [
        ["0.25", "0.5"],
        [f"face{i}.png" for i in range(MAX_LEVELS + 1)],
        [str(number) for number in range(20)],
    ],
    ids=["measurements", "many", "counter"],
)
def test_a_column_of_measurements_or_of_many_values_has_no_entry_for_each(values):
    [column] = build_template([table({"x": values})]).columns
    entry = build_template([table({"x": values})]).content["x"]
    assert not column.is_categorical
    assert entry.keys() == {"Description"}


def test_codes_that_are_numbers_have_an_entry_for_each():
    template = build_template([table({"code": ["1", "2", "1", "2"]})])
    assert list(template.content["code"]["HED"]) == ["1", "2"]


def test_times_and_empty_columns_and_hed_are_no_columns_to_annotate():
    cells = {"onset": ["1"], "duration": ["2"], "sample": ["3"], "x": ["n/a"], "HED": ["Red"]}
    assert list(build_template([table(cells | {"code": ["a"]})]).content) == ["code"]
    with pytest.raises(NoMatchError, match="there are only times; --whole takes whole recordings"):
        build_template([table(cells)])


def test_columns_that_have_hed_are_left_out_and_named():
    sidecar = {"code": {"HED": {"a": "Red"}}, "n": {"HED": "Label/#"}}
    cells = {"code": ["a"], "n": ["1"], "new": ["b"]}
    template = build_template([table(cells, sidecar)])
    assert (list(template.content), template.annotated) == (["new"], ("code", "n"))
    with pytest.raises(NoMatchError, match="the datasets annotate code; search them with --hed"):
        build_template([table({"code": ["a"]}, sidecar)])


def test_hed_of_a_column_that_lacks_some_is_kept():
    sidecar = {"code": {"HED": {"red": "Blue"}}}
    template = build_template([table({"code": ["red", "square"]}, sidecar)])
    hed = template.content["code"]["HED"]
    assert hed == {"red": "Blue", "square": "Square, (Label/code, ID/square)"}
    assert template.columns[0].suggested == {"square": "Square"}


def test_hed_that_says_nothing_counts_as_none():
    sidecar = {"code": {"HED": {"red": "", "x": "n/a", "y": None}}, "n": {"HED": ["?"]}}
    content = build_template([table({"code": ["red", "x", "y"], "n": ["a"] * 3}, sidecar)]).content
    assert content["code"]["HED"]["red"] == "Red, (Label/code, ID/red)"
    assert content["code"]["HED"]["y"] == "(Label/code, ID/y)"
    assert content["n"]["HED"] == {"a": "(Label/n, ID/a)"}


def test_a_column_that_only_one_of_two_datasets_annotates_is_in_the_template():
    annotated = {"code": {"HED": {"a": "Red"}}, "n": {"HED": "Label/#"}}
    cells = {"code": ["a"], "n": ["5"]}
    tables = [table(cells, annotated), table(cells, number=2)]
    content = build_template(tables).content
    assert content["code"]["HED"] == {"a": "Red"}
    assert content["n"] == {"Description": "1 value in 2 rows", "HED": "Label/#"}
