"""Parsing of queries and of the options of labels."""

from __future__ import annotations

import pytest

from bids_dl.config.selecting.labels import parse_labels
from bids_dl.errors import ConfigError


def test_the_label_of_a_query_without_one_is_the_query():
    labels = parse_labels({"hed": ["Eyes-closed", "Label/now-* && Red"]})
    assert [label.label for label in labels] == ["Eyes-closed", "Label_now-_____Red"]


def test_labels_keep_their_names_and_the_order_of_the_command_line():
    labels = parse_labels({"hed": ["b=Eyes-closed", "a=Eyes-open"]})
    assert [(label.label, label.query) for label in labels] == [
        ("b", "Eyes-closed"),
        ("a", "Eyes-open"),
    ]


def test_the_option_of_a_label_overrides_that_of_all_labels():
    labels = parse_labels(
        {"hed": ["a=Red", "b=Blue"], "until": ["next", "b=12.5"], "trim": ["a=3", "1,2"]}
    )
    assert [label.until for label in labels] == ["next", 12.5]
    assert [label.trim for label in labels] == [(3.0, 3.0), (1.0, 2.0)]


def test_a_mapping_of_labels_is_the_same_as_texts():
    options = {"hed": ["a=Red", "b=Blue"]}
    of_texts = parse_labels(options | {"until": ["b=4"], "within": ["a=1,2"]})
    assert of_texts == parse_labels(options | {"until": {"b": 4}, "within": {"a": [1, 2]}})


def test_queries_are_excluded_for_all_labels_or_for_one():
    options = {
        "hed": {"a": "Red", "b": {"hed": "Blue", "exclude": "Circle"}},
        "exclude": ["Square", "b=Triangle"],
    }
    assert [label.exclude for label in parse_labels(options)] == [
        ("Square",),
        ("Square", "Triangle", "Circle"),
    ]


@pytest.mark.parametrize("around", [("b=Red", 30.0), {"b": ["Red", 30]}, ["b=Red", "30"]])
def test_around_holds_for_the_label_it_names(around):
    labels = parse_labels({"hed": ["a=Blue", "b=Green"], "around": around})
    assert [label.around for label in labels] == [None, ("Red", 30)]


def test_around_without_a_label_holds_for_all_labels():
    labels = parse_labels(
        {"hed": ["a=Blue", "b=Green"], "around": ("Red", 30.0), "during": ["a=Task"]}
    )
    assert [(label.around, label.during) for label in labels] == [
        (("Red", 30), "Task"),
        (("Red", 30), None),
    ]


def test_a_label_of_a_file_may_have_a_combination_of_queries_and_own_options():
    [label] = parse_labels({"hed": {"a": {"any": ["Blue", "Green"], "until": 4}}})
    assert (label.query, label.until) == ({"any": ["Blue", "Green"]}, 4.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no query given"),
        ({"hed": ["a=Red", "a=Blue"]}, "two queries have the label 'a'"),
        ({"hed": ["=Red"]}, "expected a label before the ="),
        ({"hed": ["a=Red"], "around": ("c=Red", 3)}, "--around: no query has the label 'c'"),
        ({"hed": "Red", "around": "Blue"}, "--around Blue: expected QUERY SECONDS"),
        ({"hed": "Red", "around": ("Blue", -1)}, "around must not be negative, got -1 s"),
        ({"hed": "Red", "trim": "x"}, "--trim x: expected SECONDS or FROM,TO"),
        ({"hed": "Red", "trim": "inf"}, "--trim inf: expected SECONDS"),
        ({"hed": {"a": {"hed": "Red", "all": ["Blue"]}}}, "give either"),
        ({"hed": "a=Red", "trim": ["b=3"]}, "--trim: no query has the label 'b'; the labels are a"),
        ({"hed": "eyes=Red", "within": {"eye": [1, 2]}}, "did you mean 'eyes'"),
        ({"hed": "Red", "trim": ["1", "2"]}, "given twice for all labels"),
        ({"hed": {"a": 5}}, "hed: a: 5 is not a query"),
        ({"hed": {"a": {"hed": "Red", "untl": 3}}}, "unknown option 'untl'; did you mean 'until'?"),
    ],
)
def test_a_wrong_label_is_refused_in_one_line_with_its_value(options, message):
    with pytest.raises(ConfigError) as refusal:
        parse_labels(options)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
