"""Advice on single words of a query: why a word matches nothing, and what to write instead.

hedtools answers a misspelt word, a long form, the name of a definition and a value all alike,
with no match. Each word is looked up in the schema, the definitions, the values and the tags in
use, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from bids_dl.config.selecting.class_queries import query_label
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.advice.vocabulary import Vocabulary, read_vocabulary, writable
from bids_dl.selection.queries.query import Query, Word, quote
from bids_dl.selection.queries.tokens import WORD
from bids_dl.selection.tables.annotated_tables import AnnotatedTables
from bids_dl.wording import count

MAX_SUGGESTED = 3  # tags in a message
MIN_TAG_SIMILARITY = 0.75  # in [0, 1], of a HED tag that is suggested for a misspelt one
UNSEARCHED = ("no_onset_column", "bad_onset", "unbalanced")  # issues of rows that are not searched


class Advice(NamedTuple):
    """The reason why hedtools never matches a word as written, and what to write instead."""

    reason: str
    replacement: str

    def __str__(self) -> str:
        return f"{self.reason}; write {self.replacement}"


@dataclass(slots=True)
class WordAdviser:
    """Looks words up in the schemas and annotations of one request."""

    annotated: AnnotatedTables
    issues: IssueCounter
    _vocabulary: Vocabulary | None = field(default=None, init=False)

    @property
    def vocabulary(self) -> Vocabulary:
        """The tags, definitions and values in use, read only when needed."""
        if self._vocabulary is None:
            self._vocabulary = read_vocabulary(self.annotated)
        return self._vocabulary

    def is_in_schema(self, word: Word) -> bool:
        """Return whether a schema has the tag of a word, or a tag that begins with a prefix."""
        base, slash, _ = word.text.partition("/")
        if base in self.annotated.tags:
            return True
        is_tag_prefix = word.kind == "prefix" and not slash
        return is_tag_prefix and any(tag.startswith(base) for tag in self.annotated.tags)

    def is_in_use(self, word: Word) -> bool:
        """Return whether the annotations contain the tag of an exact word or a prefix."""
        tags = list(map(str.casefold, self.vocabulary.n_rows))
        if word.kind == "prefix":
            return any(tag.startswith(word.text) for tag in tags)
        return word.kind == "exact" and word.text in tags

    def advise(self, word: Word) -> Advice | None:
        """Return advice on a word that hedtools never matches as written, or None."""
        name = word.text.rpartition("/")[2]
        long_form = self.annotated.tags.get(name, "")
        is_path = word.kind == "exact" and "/" in word.text
        if is_path and f"/{long_form}".casefold().endswith(f"/{word.text}"):
            return Advice(
                f"{word.written} is a long form, which hedtools never matches",
                long_form.rpartition("/")[2],
            )
        if word.kind == "exact" or word.text in self.annotated.tags:
            return None
        if word.text in self.vocabulary.definitions:
            return Advice(
                f"{word.written} is the name of a definition, not a tag", f"Def/{word.written}"
            )
        return self._advise_on_term(word) if word.kind == "term" else self._advise_on_prefix(word)

    def _advise_on_term(self, word: Word) -> Advice | None:
        for tag in self.vocabulary.n_rows:
            if tag.casefold() == word.text:
                return Advice(
                    f"{word.written} is in use, but is not a tag of its HED version, "
                    "so that it is found only in quotes",
                    f'"{tag}"',
                )
        tags = self.vocabulary.with_value(word.text)
        if not tags:
            return None
        return Advice(f"{word.written} is a value, not a tag", writable(tags[0]))

    def _advise_on_prefix(self, word: Word) -> Advice | None:
        if self.is_in_use(word):
            return None
        for tag in self.vocabulary.starting_with(word.text):
            base, slash, _ = tag.partition("/")
            if slash:
                return Advice(f"{word.written} is a value, not a tag", f"{base}/{word.written}")
        return None

    def explain(self, word: Word) -> str:
        """Explain in a sentence why a word matches nothing."""
        if advice := self.advise(word):
            return f"{advice}."
        n_rows = self._count_rows(word)
        if n_rows and any(self.issues.counts[kind] for kind in UNSEARCHED):
            return (
                f"{word.written} is in use ({count(n_rows, 'row')}), "
                "but not in a row that could be searched."
            )
        if n_rows and self.issues.counts["unknown_tag"]:
            return (
                f"{word.written} is in use, but not as a tag of the HED version "
                f"({self.annotated.hed_versions}); is a library prefix missing (--hed-version)?"
            )
        base, slash, _ = word.text.partition("/")
        long_form = self.annotated.tags.get(base, word.written.strip('"'))
        parent, _, name = long_form.rpartition("/")
        used = self._tags_of(base)
        if used and slash:
            return f"{name} is in use, but not with this value."
        if used and word.kind == "exact":
            return (
                f"{word.written} matches the tag only without a value; "
                f"without quotes, {name} also matches {used[0]}."
            )
        if word.kind == "prefix" and not slash:
            return f"No tag in use begins with {word.text}."
        place = f" ({parent})" if parent else ""
        child = "" if slash or word.kind == "exact" else " or a child of it"
        return f"{name} is a HED tag{place}, but no event here uses it{child}."

    def suggest(
        self, option: str, query: Query, word: Word, *, suggest_end: bool = False
    ) -> list[str]:
        """Suggest similar tags and the query with one of them, or list the most frequent tags.

        Parameters
        ----------
        option
            Option that the query was given with, such as ``"--hed red="``.
        query
            The query that contains the word.
        word
            The word that matches nothing.
        suggest_end
            Also suggest an --until for the blocks: the second most similar value of the same tag.

        Returns
        -------
        list of str
            Lines of a message.
        """
        if advice := self.advise(word):
            corrected = replace_word(query.text, word.written, advice.replacement)
            return [f"Try:  {option}{quote(corrected)}"]
        base, slash, value = word.text.partition("/")
        similar = self.vocabulary.most_similar(value or base, MAX_SUGGESTED)
        same_tag = [tag for tag in self._tags_of(base) if slash and "/" in tag]
        if same_tag:
            similar = [tag for tag in similar if tag in same_tag]
        if not similar:
            if same_tag:
                return [f"In use:  {self.vocabulary.with_counts(same_tag[:MAX_SUGGESTED])}"]
            return self._similar_schema_tags(word, is_excluded=option.startswith("--exclude"))
        corrected = replace_word(query.text, word.written, writable(similar[0]))
        if corrected == query.text:  # it has just failed
            return []
        label = ""
        until = ""
        if WORD.fullmatch(query.text):
            if option == "--hed ":
                label = query_label(query.text).casefold().replace("-", "_").strip("_") + "="
            if suggest_end:
                until = _suggest_until(similar)
        return [
            f"Similar tags in use:  {self.vocabulary.with_counts(similar)}",
            f"Try:  {option}{label}{quote(corrected)}{until}",
        ]

    def unsearched_rows(self) -> list[str]:
        """Describe rows that could not be searched, and cells that differ from a level.

        At most one line for each.
        """
        lines = [f"{self.issues.line(kind)}." for kind in UNSEARCHED if self.issues.counts[kind]]
        lines = lines[:1]
        if self.issues.counts["near_level"]:
            lines.append(f"{self.issues.line('near_level')}.")
        return lines

    def _tags_of(self, base: str) -> list[str]:
        """Return the tags in use with a case-folded name, with any value, most frequent first."""
        ranked = self.vocabulary.ranked()
        return [tag for tag in ranked if tag.casefold().partition("/")[0] == base]

    def _similar_schema_tags(self, word: Word, *, is_excluded: bool) -> list[str]:
        """Return lines that name similar tags of the schema and the most frequent tags in use.

        A tag that is to be excluded needs none: the lines say that nothing is to be excluded.
        """
        tags = self.annotated.tags
        matches = get_close_matches(word.text, tags, n=MAX_SUGGESTED, cutoff=MIN_TAG_SIMILARITY)
        names = [tags[match].rpartition("/")[2] for match in matches if match != word.text]
        lines = []
        if names:
            lines.append(f"Similar HED tags:  {'   '.join(names)}")
        if is_excluded:
            lines.append("Nothing similar is annotated here: leave out --exclude.")
        elif frequent := self.vocabulary.ranked()[:MAX_SUGGESTED]:
            lines.append(f"Most frequent tags:  {self.vocabulary.with_counts(frequent)}")
        return lines

    def _count_rows(self, word: Word) -> int:
        """Count the rows with the tag of a word, including those that could not be searched."""
        total = 0
        for tag, n_rows in self.vocabulary.n_rows.items():
            text = tag.casefold()
            if word.text in (text, text.partition("/")[0]):
                total += n_rows
        return total


def _suggest_until(similar: Sequence[str]) -> str:
    """Return an --until with the second of some similar tags that has the same name, or ""."""
    name = similar[0].partition("/")[0]
    for tag in similar[1:]:
        base, slash, _ = tag.partition("/")
        if slash and base == name:
            return f" --until {quote(writable(tag))}"
    return ""


def replace_word(text: str, old: str, new: str) -> str:
    """Replace a whole word of a query.

    Examples
    --------
    >>> replace_word("Red && Reds", "Red", "Blue")
    'Blue && Reds'
    """
    return re.sub(rf"(?<![\w\-/.]){re.escape(old)}(?![\w\-/.*])", lambda _: new, text)
