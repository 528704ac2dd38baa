"""Parameters of requests, hostile ones included."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.annotate.server.checking.parameters import (
    FILTER_PARAMETERS,
    MAX_WIDTH,
    PAGE_PARAMETERS,
    parse_frequency,
    parse_name,
    parse_parameters,
    parse_seconds,
)
from bids_dl.annotate.server.checking.refusals import RefusedError

PAGE = "recording=3&start=1.5&duration=10&width=1540&montage=average"
HOSTILE = [
    *(
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "-1",
        "-0.5",
        "+1",
        "1e999",
        "1e9",
        "9" * 20,
    ),
    *("0x10", "1_0", "١", "１", "1,5", " 1", "1 ", "1\n", "..", "../../etc/passwd", "%2e%2e", "\0"),
    *("null", "true", "[1]", "{}", "1;2", "off"),
]


def refused(query: str, required=PAGE_PARAMETERS, optional=FILTER_PARAMETERS) -> str:
    with pytest.raises(RefusedError) as caught:
        parse_parameters(query, required, optional)
    assert caught.value.status == 400
    return str(caught.value)


def test_the_parameters_of_a_page_are_parsed():
    values = parse_parameters(f"{PAGE}&low=off&high=70", PAGE_PARAMETERS, FILTER_PARAMETERS)
    assert values == {
        "recording": 3,
        "start": 1.5,
        "duration": 10.0,
        "width": 1540,
        "montage": "average",
        "low": None,
        "high": 70.0,
    }


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", [*PAGE_PARAMETERS, *FILTER_PARAMETERS])
def test_a_hostile_value_is_refused_in_every_parameter(name, text):
    if (name, text) in {("montage", "off"), ("montage", "null"), ("montage", "true")}:
        return  # names that no montage has, which the recording refuses
    if (name, text) in {("montage", "nan"), ("montage", "inf")}:
        return
    if name in FILTER_PARAMETERS and text == "off":
        return
    parts = [part for part in PAGE.split("&") if not part.startswith(f"{name}=")]
    message = refused("&".join([*parts, f"{name}={quote(text)}"]))
    assert name in message
    assert message.isascii()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"{PAGE}&start=2", "start is there twice"),
        (f"{PAGE}&path=/etc/passwd", "unknown parameter"),
        (f"{PAGE}&start", "no list of NAME=VALUE"),
        (PAGE.replace("width=1540&", ""), "width is missing"),
        (f"{PAGE}&low=%ff", "UTF-8"),
        (f"{PAGE}&low={'1' * 201}", "more than 200 characters"),
        (f"{PAGE}&low={'1' * 2001}", "more than 2000 characters"),
        ("", "recording is missing"),
    ],
)
def test_a_query_that_is_not_as_the_page_sends_it_is_refused(query, reason):
    assert reason in refused(query)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("width", "0"), ("width", str(MAX_WIDTH + 1)), ("duration", "0"), ("duration", "0.049")),
        *(("duration", "120.1"), ("high", "0"), ("notch", "1000001"), ("start", "100000001")),
    ],
)
def test_values_outside_of_their_bounds_are_refused(name, text):
    parts = [part for part in PAGE.split("&") if not part.startswith(f"{name}=")]
    assert name in refused("&".join([*parts, f"{name}={text}"]))


@pytest.mark.parametrize("text", ["0", "8.881784197001252e-16", "0.30000000000000004", "12345.678"])
def test_numbers_as_javascript_writes_them_are_accepted(text):
    assert parse_seconds("start", text) == float(text)


@given(st.text())
def test_no_text_but_a_number_within_bounds_is_a_number_of_seconds(text):
    try:
        value = parse_seconds("start", text, most=100.0)
    except RefusedError:
        return
    assert 0 <= value <= 100
    assert text.isascii()


@given(st.text(max_size=300))
def test_any_query_is_parsed_or_refused_with_400(query):
    refusals = []
    try:
        parse_parameters(query, {}, {"annotator": parse_name, "low": parse_frequency})
    except RefusedError as refusal:
        refusals.append((refusal.status, len(str(refusal)) < 300))
    assert refusals in ([], [(400, True)])
