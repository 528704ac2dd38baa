from __future__ import annotations

import doctest
import json
from pathlib import Path

import pytest
from explanations import make_explanation

from bids_dl.cli import show_explanation
from bids_dl.cli.show_explanation import print_explanation
from bids_dl.explanation.page import WrittenExplanation


@pytest.fixture
def written() -> WrittenExplanation:
    return WrittenExplanation(Path("run/explanation/explanation.html"), make_explanation())


def test_the_examples_are_right():
    assert doctest.testmod(show_explanation).failed == 0


def test_claims_are_printed_with_their_controls_and_results(written, capsys):
    print_explanation(written, as_json=False)
    output = capsys.readouterr()
    assert "2 of 3 statements shown" in output.out
    words = " ".join(output.out.split())  # whatever the width of the terminal
    assert "alpha changes by -0.6 dB; control: at random: -0.5 dB" in words
    assert "page: run/explanation/explanation.html" in output.out
    assert "warning 4 people were tested" in output.err
    [line] = [line for line in output.out.splitlines() if "removal" in line]
    assert line.startswith("not shown")
    assert "evidence" not in output.out


def test_a_network_at_chance_is_named_first(capsys):
    explanation = make_explanation(is_better_than_chance=False)
    print_explanation(WrittenExplanation(Path("page.html"), explanation), as_json=False)
    assert capsys.readouterr().out.startswith("the network is not better than chance")


def test_the_json_has_claims_warnings_and_the_page(written, capsys):
    print_explanation(written, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["page"] == "run/explanation/explanation.html"
    assert [claim["is_shown"] for claim in content["claims"]] == [True, False, True]
    assert content["warnings"] == list(written.explanation.warnings)
    assert set(content["claims"][0]) == {"part", "output", "statement", "control", "is_shown"}
