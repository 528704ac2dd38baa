"""The grammar of queries and their meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.errors import QueryError
from bids_dl.selection.queries.grammar import at_event_level, compile_query

LETTERS = {"Red": "R", "Blue": "B", "Green": "G"}
PYTHON_OPERATORS = {"AND": "and", "OR": "or", "NOT": "not"}


@pytest.mark.parametrize(
    "text", [" || ".join(["Red"] * 2000), "NOT " * 500 + "Red", " AND ".join(["Red"] * 300)]
)
def test_a_query_too_long_for_recursion_is_refused(text):
    with pytest.raises(QueryError, match="more than 400 words and operators"):
        compile_query(text)


@pytest.mark.parametrize(
    "query",
    [{}, {"every": ["Red"]}, {"all": []}, {"all": [3]}, {"all": [{"any": ["Red Blue"]}]}, 3],
)
def test_a_mapping_contains_only_all_any_and_none(query):
    with pytest.raises(QueryError, match="--hed"):
        compile_query(query)


@given(
    st.lists(st.sampled_from([*LETTERS, *PYTHON_OPERATORS]), min_size=1, max_size=9),
    st.sets(st.sampled_from("RBG")),
)
def test_and_or_not_bind_as_in_python(words, true):
    text = " ".join(words)
    expression = [PYTHON_OPERATORS.get(word, str(LETTERS.get(word) in true)) for word in words]
    try:
        expected = eval(" ".join(expression))
    except SyntaxError:
        with pytest.raises(QueryError):
            compile_query(text)
        return
    assert compile_query(text).matches(lambda term: LETTERS[term.text] in true) == expected


@given(st.sets(st.sampled_from("RBG")))
def test_a_mapping_means_all_and_any_and_none_of_it(true):
    query = compile_query(
        {"all": ["R"], "any": ["B", {"all": ["G"], "none": ["B"]}], "none": ["G AND B"]}
    )
    red = "R" in true
    blue = "B" in true
    green = "G" in true
    expected = red and (blue or (green and not blue)) and not (green and blue)
    assert query.matches(lambda term: term.text in true) == expected


def test_the_text_of_a_mapping_is_a_query_with_the_same_meaning():
    query = compile_query({"any": ["Red", {"all": ["Blue", "Green"], "none": ["White"]}]})
    assert query.text == "Red OR (Blue AND Green AND NOT White)"
    assert {term.text for term in query.terms()} == {"Red", "Blue", "Green", "White"}


@pytest.mark.parametrize(
    ("token", "kind", "text", "must_be_absent"),
    [
        ("Red", "term", "red", False),
        ("@Red", "term", "red", True),
        ('"Red"', "exact", "red", False),
        ("Label/Go", "exact", "label/go", False),
        ("Label/Go*", "prefix", "label/go", False),
        ("@Lab*", "prefix", "lab", True),
    ],
)
def test_a_word_is_parsed_as_by_hedtools(token, kind, text, must_be_absent):
    [word] = compile_query(token).words
    assert (word.kind, word.text, word.must_be_absent) == (kind, text, must_be_absent)


@pytest.mark.parametrize(
    ("text", "conjunction"),
    [
        (
            "Agent-action && {Recall && Target} && Correct-action",
            "Agent-action AND {Recall && Target} AND Correct-action",
        ),
        ("Sensory-event && [Female && Sentence]", "Sensory-event AND [Female && Sentence]"),
        ("Red, Blue, Green", "Red AND Blue AND Green"),
        ("Red && Blue", None),
        ("Red && ~Blue && Green", None),
        ("Red && Blue || Green && White", None),
        ("[Red && Blue && Green]", None),
        ("White OR NOT Red && Blue && Green", "White OR NOT (Red AND Blue AND Green)"),
    ],
)
def test_a_chain_of_three_has_a_form_at_the_level_of_events(text, conjunction):
    other = at_event_level(compile_query(text))
    assert (other and other.text) == conjunction


def test_comparisons_and_hed_queries_are_joined_alike():
    query = compile_query({"all": ["Red && Blue", "a==x, y"], "none": ['b=="p OR q"']})
    assert query.text == 'Red && Blue AND a==x,y AND NOT b=="p OR q"'
    assert compile_query(query.text).text == query.text
    assert [term.text for term in query.comparisons()] == ["a==x,y", 'b=="p OR q"']
    assert [term.text for term in query.terms()] == ["Red && Blue"]
    assert query.needs_hed
    assert not compile_query("NOT a==x").needs_hed


def test_a_malformed_comparison_is_refused_with_its_option():
    with pytest.raises(QueryError, match=r'^--until "a==": a value is missing'):
        compile_query("a==", "--until")
    with pytest.raises(QueryError, match=r"^--hed \"Red && a==x\": COLUMN==VALUE is a whole query"):
        compile_query("Red && a==x")
    with pytest.raises(QueryError, match="!= is not an operator; write NOT COLUMN==VALUE"):
        compile_query("a!=x")
