"""Queries of classes by HED and by columns, and their labels."""

from __future__ import annotations

import pytest

from bids_dl.config.selecting.class_queries import (
    EachValue,
    parse_class_queries,
    query_label,
    query_option,
)
from bids_dl.errors import ConfigError


def test_labels_of_hed_come_before_those_of_columns():
    options = {"event": ["trial_type==go", "late=rt==slow*"], "hed": ["Red", "b=Blue"]}
    assert parse_class_queries(options) == {
        "Red": "Red",
        "b": "Blue",
        "go": "trial_type==go",
        "late": "rt==slow*",
    }


def test_a_column_alone_stands_for_its_values():
    assert parse_class_queries({"event": "trial_type"}) == {"trial_type": EachValue("trial_type")}


def test_a_column_in_quotes_may_contain_the_sign_of_a_label():
    assert parse_class_queries({"event": '"a=b"==go'}) == {"go": '"a=b"==go'}


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("trial_type==go", "go"),
        ("trial_type==go left,stop", "go_left_stop"),
        ("value==*", "value"),
        ("value==äh", "äh"),
        ("value==", "value__"),
        ("NOT a==b", "NOT_a__b"),
        ("Label/x*", "Label_x_"),
    ],
)
def test_the_label_of_a_comparison_is_its_value(query, label):
    assert query_label(query) == label


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hed": "a=Red", "event": "a=b==c"}, "--event b==c: two queries have the label 'a'"),
        ({"event": ["a==go", "b==go"]}, "--event b==go: two queries have the label 'go'"),
        ({"event": "trial_type=go"}, '--event trial_type=go: .* write .* "trial_type==go"'),
        ({"event": "trial_type!=go"}, 'write two = before a value, as in "NOT trial_type==go"'),
        ({"event": "=trial_type==go"}, "expected a label before the =, such as go=trial_type==go"),
        ({"event": {True: "a==b"}}, "--event True: a label must be text; quote it in YAML"),
        ({"event": "n/a=a==b"}, "--event a==b: the label 'n/a' stands for no label"),
        ({"hed": {None: "Red"}}, "--hed None: a label must be text"),
        ({"hed": {" ": "Red"}}, "--hed ' ': a label must be text"),
        ({"event": {"go": "Red"}}, "--event go=Red: expected COLUMN, COLUMN==VALUE"),
        ({}, "--hed QUERY .* --event COLUMN==VALUE"),
    ],
)
def test_a_wrong_query_of_a_column_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        parse_class_queries(options)


def test_messages_name_the_option_that_takes_a_query():
    queries = ("a==b OR NOT c==d", "Red OR a==b", "Red", {"all": ["a==b"]})
    assert list(map(query_option, queries)) == ["--event", "--hed", "--hed", "--hed"]
