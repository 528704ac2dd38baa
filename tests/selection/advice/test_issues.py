"""Counted issues and their lines."""

from __future__ import annotations

import pytest

from bids_dl.selection.advice.issues import TEMPLATES, IssueCounter


def test_issues_of_a_kind_are_one_line_with_their_number_and_first_place():
    issues = IssueCounter()
    issues.add("bad_onset", "row 3 of ds/a")
    issues.add("bad_onset", "row 1 of ds/b", 4)
    issues.add("unbalanced", "row 0 of ds/a", 0)
    assert issues.lines() == ("skipped 5 rows whose onset is not a number (first: row 3 of ds/a)",)


def test_codes_are_counted_most_frequent_first():
    issues = IssueCounter()
    issues.add_codes("warnings", ["A", "B", "B"])
    [line] = issues.lines()
    assert line == "hedtools reports 3 warnings in the HED of the sidecars: B 2, A 1"


def test_a_warning_is_shown_once_and_before_counted_issues():
    issues = IssueCounter()
    issues.add("no_hed", "ds/b")
    issues.warn("careful")
    issues.warn("careful")
    assert issues.lines() == ("careful", "no HED annotations in 1 recording (first: ds/b)")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_of_issue_has_a_line_with_its_number(kind):
    issues = IssueCounter()
    issues.add(kind, "PLACE", 17)
    assert "17 " in issues.line(kind)
