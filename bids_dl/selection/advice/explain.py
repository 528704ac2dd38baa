"""Errors and warnings for queries that match nothing, or less than intended.

hedtools returns no match without a reason. Here a query without a match is an error that names the
first word that matches nothing, similar tags or values in use, and a query to paste.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bids_dl.config.selecting.class_queries import query_label, query_option
from bids_dl.config.selecting.comparisons import is_comparison
from bids_dl.config.stages import WHOLE_QUERY, EventsConfig, LabelConfig
from bids_dl.datamodel import Dropped, Event, EventRows
from bids_dl.errors import NoMatchError, QueryError
from bids_dl.selection.advice.column_advice import ColumnAdviser
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.advice.word_advice import WordAdviser
from bids_dl.selection.queries.grammar import at_event_level, compile_query
from bids_dl.selection.queries.query import Query, Word, quote
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.search.timelines import Timeline
from bids_dl.selection.tables.annotated_tables import AnnotatedTables
from bids_dl.wording import closest, count, one_line

MAX_HED_CHARS = 120  # of an annotation in a message
MAX_LINES = 3  # of the explanation below the first line of an error
USUAL_PREFIX = re.compile(r'"?[^*]+\*+"?|\*')  # words with a * that hedtools reads as written
CHAIN_RULE = "hedtools joins three or more terms by && only where all meet in one group"


@dataclass(slots=True)
class Explainer:
    """Checks the queries of one request and explains those that do not match as intended."""

    annotated: AnnotatedTables
    config: EventsConfig
    issues: IssueCounter
    tables: Sequence[EventRows]  # of all recordings, also of those that are not searched
    adviser: WordAdviser = field(init=False)
    columns: ColumnAdviser = field(init=False)

    def __post_init__(self) -> None:
        self.adviser = WordAdviser(self.annotated, self.issues)
        self.columns = ColumnAdviser(self.tables, self.annotated.description)

    def check_words(self, queries: QueryIndex) -> None:
        """Check every word of every query against the schemas, definitions and values.

        Comparisons are checked against the columns and values of events.tsv. Words that hedtools
        reads differently than written cause a warning.

        Raises
        ------
        QueryError
            If a word, a column or a value is unknown; the message suggests similar ones.
        """
        distinct: dict[tuple[str, str], Query] = {}  # (option, text) -> query
        for label, label_queries in zip(self.config.labels, queries.labels, strict=True):
            for option, query in label_queries.with_options(label_option(label)):
                distinct.setdefault((option, query.text), query)
        for (option, _), query in distinct.items():
            for term in query.terms():
                for word in term.words:
                    self._check_word(option, query, word)
            for term in query.comparisons():
                if term.comparison:
                    self.columns.check(option, query, term.comparison, self.issues)

    def check_matches(self, queries: QueryIndex, timelines: Sequence[Timeline]) -> None:
        """Check that every query matches that must match.

        Raises
        ------
        NoMatchError
            With the reason and the closest tags in use.
        """
        counts = _count_matches(timelines, len(queries.row_queries))
        for number, label in enumerate(self.config.labels):
            if not self.config.whole:
                conjunction = queries.event_level.get(number)
                n_with_and = 0 if conjunction is None else counts[conjunction]
                self._check_label(label, queries.labels[number].query, counts[number], n_with_and)
            if number in queries.until and counts[queries.until[number]] == 0:
                until = quote(queries.row_queries[queries.until[number]].text)
                self.issues.warn(
                    f"--until {until} matches no event: "
                    f"the blocks of {label.label} extend to the end of the recording"
                )
            around = queries.labels[number].around
            if around and counts[queries.around[number]] == 0:
                raise NoMatchError(
                    self._describe_no_effect("--around ", around, "no event is near a match")
                )
            during = queries.labels[number].during
            if during and not _ever_holds(timelines, queries.during[number]):
                consequence = (
                    "it never holds as a state: a state lasts from an Onset to its Offset, "
                    "or for a Duration"
                )
                if not during.needs_hed:
                    consequence = "it never holds as a state: no such row has a duration above 0"
                raise NoMatchError(self._describe_no_effect("--during ", during, consequence))

    def check_remaining(self, events: Iterable[Event], dropped: Sequence[Dropped]) -> None:
        """Check that the options leave at least one event of each label.

        Raises
        ------
        NoMatchError
            With the number of events that each option drops.
        """
        remaining = {event.label for event in events}
        for label in self.config.labels:
            if label.label in remaining:
                continue
            counts = Counter(item.option for item in dropped if item.label == label.label)
            reasons = []
            for option, number in counts.items():
                value = " first" if option == "overlap" else ""
                reasons.append(f"--{option}{value} drops {number}")
            raise NoMatchError(
                f"{_describe_label(label)} matches {count(counts.total(), 'event')} in "
                f"{self.annotated.description}, but none is left: {' and '.join(reasons)}"
            )

    def _check_word(self, option: str, query: Query, word: Word) -> None:
        shown = f"{option}{quote(query.text)}"
        if "*" in word.written and not USUAL_PREFIX.fullmatch(word.written):
            shown = f"{shown}: hedtools reads {word.written} as {word.text}*"
            self.issues.warn(shown)
        if self.adviser.is_in_schema(word):
            return
        if advice := self.adviser.advise(word):
            self.issues.warn(f"{shown}: {advice}")
        elif not self.adviser.is_in_use(word):
            problem = f"{shown}: {word.written} is not a HED tag ({self.annotated.hed_versions})"
            if lines := self._suggest_column(option, query, word):
                raise QueryError("\n  ".join([f"{problem}.", *lines]))
            problem += f", nor a definition or value in {self.annotated.description}."
            if option == "--until " and closest(query.text, ["next"]):
                lines = ["Try:  --until next"]
            else:
                lines = self.adviser.suggest(option, query, word)
            raise QueryError("\n  ".join([problem, *lines]))

    def _suggest_column(self, option: str, query: Query, word: Word) -> list[str]:
        """Return lines for a word that is a value of events.tsv: its column, HED and comparison."""
        explained = self.columns.explain_value(word.written)
        if not explained and word.written in self.columns.columns():
            name = word.written
            return [
                f"{name} is a column of events.tsv; write {name}==VALUE, "
                f"or --event {name} for a class of each value."
            ]
        if not explained:
            return []
        lines = [f"{explained}."]
        for column, value in self.columns.find_value(word.written).items():
            if hed := self._level_hed(column, value):
                lines.append(f"HED of this value:  {one_line(hed, max_chars=MAX_HED_CHARS)}")
                break
        if query.text == word.written:
            option = option.replace("--hed ", "--event ")
            return [*lines, f"Try:  {self.columns.suggest_comparison(word.written, option)}"]
        comparison = self.columns.suggest_comparison(word.written, "")
        return [*lines, f"Write {comparison} as a whole query, joined by AND, OR or NOT."]

    def _level_hed(self, column: str, value: str) -> str:
        """Return the HED of a value in the first sidecar that annotates it, or ""."""
        for sidecar in self.annotated.sidecars:
            if hed := sidecar.categorical.get(column, {}).get(value):
                return hed
        return ""

    def _check_label(
        self, label: LabelConfig, query: Query, n_events: int, n_with_and: int
    ) -> None:
        """Check the number of matches of a label.

        ``n_with_and`` is the number of matches if AND replaces ``&&``, 0 without such a form.
        """
        shown = f"{label_option(label)}{quote(query.text)}"
        hint = ""
        if n_with_and > n_events and (conjunction := at_event_level(query)):
            alternative = f"{label_option(label)}{quote(conjunction.text)}"
            hint = f"{CHAIN_RULE}; {alternative} matches {n_with_and}"
        if n_events == 0:
            problem = f"{shown} matches no event in {self.annotated.description}."
            lines = [f"{hint}."] if hint else self._explain_no_match(label, query)
            raise NoMatchError("\n  ".join([problem, *lines]))
        if hint:
            self.issues.warn(f"{shown} matches {count(n_events, 'event')}: {hint}")

    def _describe_no_effect(self, option: str, query: Query, consequence: str) -> str:
        """Describe the query of an option that selects nothing, with its number of matches."""
        [n_rows] = self._count([query])
        shown = f"{option}{quote(query.text)}"
        if n_rows:
            return f"{shown} matches {count(n_rows, 'row')}, but {consequence}"
        return f"{shown} matches no row in {self.annotated.description}: {consequence}"

    def _explain_no_match(self, label: LabelConfig, query: Query) -> list[str]:
        """Explain why a query matches nothing: a word that does not, or words that never meet."""
        words = _positive_words(query)
        counts = self._count(list(map(compile_query, words)))
        n_matches = dict(zip(words, counts, strict=True))
        missing = [written for written, number in n_matches.items() if number == 0]
        if not missing:
            return [
                *self._explain_never_together(label, n_matches),
                *self.adviser.unsearched_rows(),
            ]
        first = words[missing[0]]
        if first is None:
            reason = f"No row that could be searched has {missing[0]}."
            suggestions: list[str] = []
        else:
            reason = self.adviser.explain(first)
            suggestions = self.adviser.suggest(
                label_option(label), query, first, suggest_end=label.until is None
            )
            if value := self.columns.explain_value(first.written):
                instead = self.columns.suggest_comparison(first.written)
                suggestions = [f"{value}:  {instead}"]
        if len(missing) > 1:
            reason = f"{reason} Nothing matches {', '.join(missing[1:])} either."
        return [reason, *self.adviser.unsearched_rows(), *suggestions][:MAX_LINES]

    def _explain_never_together(self, label: LabelConfig, n_matches: dict[str, int]) -> list[str]:
        """Explain a query of which each word matches, and suggest its words joined by AND."""
        if not n_matches:
            return []
        shown = ", ".join(f"{written} {number}" for written, number in n_matches.items())
        noun = "parts" if any(map(is_comparison, n_matches)) else "words"
        lines = [f"Each of its {noun} matches events here ({shown}), but not together as asked."]
        if len(n_matches) > 1:
            conjunction = compile_query(" AND ".join(n_matches))
            [n_together] = self._count([conjunction])
            if n_together:
                lines.append(
                    f"Try:  {label_option(label)}{quote(conjunction.text)}, "
                    f"which matches {n_together}, in one group or not."
                )
        return lines

    def _count(self, queries: Sequence[Query]) -> list[int]:
        """Count the matches of other queries in all tables."""
        timelines = self.annotated.search(tuple(queries), IssueCounter())
        return _count_matches(timelines, len(queries))


def _positive_words(query: Query) -> dict[str, Word | None]:
    """Return the words and comparisons that must occur in an event. A comparison is no word."""
    words: dict[str, Word | None] = {}
    for operand in query.positive_operands():
        if operand.comparison:
            words.setdefault(operand.text, None)
        for word in operand.words:
            if not word.must_be_absent:
                words.setdefault(word.written, word)
    return words


def _count_matches(timelines: Iterable[Timeline], n_queries: int) -> list[int]:
    """Count the occurrences that match each query."""
    counts = [0] * n_queries
    for timeline in timelines:
        for occurrence in timeline.occurrences:
            for number, matches in enumerate(occurrence.annotation.matches):
                counts[number] += matches
    return counts


def _ever_holds(timelines: Iterable[Timeline], state_query: int) -> bool:
    return any(timeline.states[state_query] for timeline in timelines)


def _describe_label(label: LabelConfig) -> str:
    if label.query == WHOLE_QUERY:
        return WHOLE_QUERY
    shown = quote(label.query) if isinstance(label.query, str) else repr(label.query)
    return f"{label_option(label)}{shown}"


def label_option(label: LabelConfig) -> str:
    """Return the option that a label was given with, up to its query.

    Examples
    --------
    >>> label_option(LabelConfig("red", "Red")) + "Red", label_option(LabelConfig("Red", "Red"))
    ('--hed red=Red', '--hed ')
    """
    option = query_option(label.query)
    if isinstance(label.query, str) and label.label == query_label(label.query):
        return f"{option} "
    return f"{option} {label.label}="
