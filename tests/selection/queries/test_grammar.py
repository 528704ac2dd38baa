"""What a query may look like, and what it means."""

from __future__ import annotations

import pytest
from event_tables import chosen, config, table
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.errors import QueryError
from bids_dl.selection import parse
from bids_dl.selection.queries.grammar import Query, at_event_level, compile_query

REFUSED = {
    "": "the query is empty",
    "  ": "missing|empty",
    "Eyes closed": "two words; write Eyes-closed",
    "Red and Blue": "not an operator",
    "not Red": "not an operator",
    "Red & Blue": "single &",
    "Red | Blue": "single |",
    "Red&": "single &",
    "!Red": "write @Tag",
    "Red$": "cannot be written",
    "'Red'": "cannot be written",
    "a+b": "cannot be written",
    "x;y": "cannot be written",
    "Label/née": "'é' cannot be written",
    "Duration/3 s": r"ask for Duration/3\*",
    "Item-count > 2": "compared as text only",
    "sc:Red": "library prefix",
    "12:30": "colon",
    "(Red": r"bracket \( has no partner",
    "Red]": "has no partner",
    "[Red && Blue}": "has no partner",
    "Red &&": "a tag is missing",
    "Red && && Blue": "a tag is missing|stands where",
    "&&": "a tag is missing|stands where",
    ":": "colon|a tag is missing",
    "{~Red && Blue:}": "~ cannot be used there",
    "~?": "hedtools cannot parse|~ cannot",
    "@": "names no tag",
    "@@Red": "names no tag",
    '"Red': "quotes go around one whole word",
    '"Eyes closed"': "quotes go around one whole word",
    '""': "quotes|names no tag",
    "Red ????": "hedtools|tag|two words",
    "Red AND": "a query is missing",
    "OR Red": "a query is missing",
    "Red NOT Blue": "write AND NOT",
    "(Red OR Blue) AND Green": "AND, OR and NOT take no brackets",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_query_that_would_not_mean_what_it_says_is_refused_with_a_hint(text):
    with pytest.raises(QueryError, match=REFUSED[text]) as caught:
        parse(config(text))
    assert text in str(caught.value)
    assert str(caught.value).count("\n") < 4


@pytest.mark.parametrize("text", ["\u212aeyboard-key", "\u017fensory-event", "\ufb01xate"])
def test_characters_that_only_become_letters_when_folded_are_refused(text):
    with pytest.raises(QueryError, match="cannot be written"):
        parse(config(text))


@pytest.mark.parametrize(
    "text", [" || ".join(["Red"] * 2000), "NOT " * 500 + "Red", " AND ".join(["Red"] * 300)]
)
def test_a_query_too_long_to_be_read_is_refused(text):
    with pytest.raises(QueryError, match="more than 400 words and operators"):
        parse(config(text))


@pytest.mark.parametrize("until", ["nan", "inf", "-inf", "1e400", "0", "-3"])
def test_a_block_lasts_a_number_of_seconds_above_zero(until):
    with pytest.raises(
        QueryError, match=f"--until {until}: wanted next, a query, or seconds above 0"
    ):
        parse(config("Red", until=until))


def test_a_state_is_asked_for_without_a_tilde():
    with pytest.raises(
        QueryError, match=r'--during "Task && ~Red": ~ means nothing of a state; write @Tag'
    ):
        parse(config("Red", during="Task && ~Red"))


@pytest.mark.parametrize(
    ("aliases", "query", "message"),
    [
        ({"Eyes shut": ("Eyes-closed",)}, "Red", "'Eyes shut' must be one word"),
        ({"Shut": ()}, "Red", "Shut stands for nothing"),
        ({"Shut": ("Eyes closed",)}, "Red", r'aliases: Shut: "Eyes closed"'),
        ({"Shut": ("Eyes-closed",), "Rest": ("Shut",)}, "Red", "Rest uses the alias Shut"),
        (
            {"Shut": ("Eyes-closed",)},
            "Shut && Red",
            "the alias Shut can only stand for a whole query",
        ),
    ],
)
def test_an_alias_that_would_be_misread_is_refused(aliases, query, message):
    with pytest.raises(QueryError, match=message):
        parse(config(query, aliases=aliases))


def test_an_alias_stands_for_any_of_its_queries_wherever_a_whole_query_may_stand():
    aliases = {"Shut": ("Shut", "Close-eyes", {"all": ["Red", "Blue"]})}
    queries = parse(config("NOT shut AND Green", until="Shut", exclude=("Shut",), aliases=aliases))
    meant = "Shut OR Close-eyes OR (Red AND Blue)"
    assert queries.labels[0].query.text == f"NOT ({meant}) AND Green"
    assert (queries.labels[0].until.text, queries.labels[0].exclude[0].text) == (meant, meant)
    assert queries.aliases == (f"alias Shut: {meant}",)
    assert parse(config("Red", aliases=aliases)).aliases == (
        f"alias Shut: {meant} (no query uses it)",
    )


def test_until_and_exclude_are_read_before_any_data():
    with pytest.raises(QueryError, match="--until"):
        parse(config("Red", until="Red Blue"))
    with pytest.raises(QueryError, match="--exclude"):
        parse(config("Red", exclude=("Red Blue",)))


@pytest.mark.parametrize(
    "query",
    [{}, {"every": ["Red"]}, {"all": []}, {"all": [3]}, {"all": [{"any": ["Red Blue"]}]}, 3],
)
def test_a_mapping_holds_all_any_and_none_only(query):
    with pytest.raises(QueryError, match="--hed"):
        compile_query(query)


def atoms(query: Query) -> set[str]:
    return {term.text for term in query.terms()}


@given(
    st.lists(st.sampled_from(["Red", "Blue", "Green", "AND", "OR", "NOT"]), min_size=1, max_size=9),
    st.sets(st.sampled_from("RBG")),
)
def test_and_or_not_bind_as_in_python(words, true):
    text = " ".join(words)
    names = {"Red": "R", "Blue": "B", "Green": "G"}
    try:
        want = eval(
            " ".join(
                {"AND": "and", "OR": "or", "NOT": "not"}.get(w, str(names.get(w) in true))
                for w in words
            )
        )
    except SyntaxError:
        with pytest.raises(QueryError):
            compile_query(text)
        return
    assert compile_query(text).holds(lambda term: names[term.text] in true) == want


@given(st.sets(st.sampled_from("RBG")))
def test_a_mapping_means_all_and_any_and_none_of_it(true):
    query = compile_query(
        {"all": ["R"], "any": ["B", {"all": ["G"], "none": ["B"]}], "none": ["G AND B"]}
    )
    r, b, g = ("R" in true, "B" in true, "G" in true)
    assert query.holds(lambda term: term.text in true) == (
        r and (b or (g and not b)) and not (g and b)
    )


def test_the_text_of_a_mapping_is_a_query_again():
    query = compile_query({"any": ["Red", {"all": ["Blue", "Green"], "none": ["White"]}]})
    assert query.text == "Red OR (Blue AND Green AND NOT White)"
    assert atoms(query) == {"Red", "Blue", "Green", "White"}


@pytest.mark.parametrize(
    ("text", "better"),
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
def test_a_chain_of_three_has_a_form_at_the_level_of_events(text, better):
    other = at_event_level(compile_query(text))
    assert (other and other.text) == better


def test_offset_groups_are_seen_only_by_queries_that_name_offset():
    rows = table((1, "on"), (2, "off"))
    assert [event.row for event in chosen(rows, "Def/Task-a").events] == [0]
    assert [event.row for event in chosen(rows, "[Def/Task-a && Offset]").events] == [1]
    assert [event.row for event in chosen(rows, "Def/Task-a AND NOT Offset").events] == [0]


def test_a_star_that_is_not_at_the_end_is_told():
    assert any(
        "hedtools reads *red as red*" in line for line in chosen(table((1, "red")), "*red").warnings
    )
    with pytest.raises(QueryError, match=r"reads \*ed as ed\*: \*ed is not a HED tag"):
        chosen(table((1, "red")), "*ed")
