"""Why a query matches nothing, or not what was meant, with the closest things in use and the query to paste."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.datamodel import Dropped, Event
from bids_dl.errors import NoMatchError, QueryError
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.queries.grammar import (
    WORD,
    Query,
    Word,
    at_event_level,
    compile_query,
    quoted,
)
from bids_dl.selection.queries.request import Queries, QueryIndex
from bids_dl.selection.timelines import AnnotatedTables, Timeline
from bids_dl.selection.vocabulary import Vocabulary, read_vocabulary, to_paste

SHOWN = 3  # tags in a message


@dataclass(slots=True)
class Explainer:
    """Explains the queries of one request; looks at the tags in use only when it has to."""

    corpus: AnnotatedTables
    config: EventsConfig
    findings: IssueCounter
    _vocabulary: Vocabulary | None = field(default=None, init=False)

    @property
    def vocabulary(self) -> Vocabulary:
        """Everything that could be asked for."""
        if self._vocabulary is None:
            self._vocabulary = read_vocabulary(self.corpus)
        return self._vocabulary

    def check_words(self, queries: Queries) -> None:
        """Refuse words that no schema, definition or value here has; warn of those that are not what they seem.

        Raises
        ------
        QueryError
            With what looks alike.
        """
        asked = [
            one
            for label, own in zip(self.config.labels, queries.labels, strict=True)
            for one in own.named(option(label))
        ]
        for shown, query in {
            (shown, query.text): (shown, query) for shown, query in asked
        }.values():
            for word in (word for term in query.terms() for word in term.words):
                self._check_word(shown, query, word)

    def check_counts(self, searched: QueryIndex, timelines: Sequence[Timeline]) -> None:
        """Refuse queries that match nothing where something must match.

        Raises
        ------
        NoMatchError
            With the reason and the closest things in use.
        """
        counts = _counts(timelines, len(searched.flat))
        for i, (label, asked) in enumerate(zip(self.config.labels, searched.queries, strict=True)):
            chain = searched.event_level.get(i)
            self.check_count(label, asked.query, counts[i], 0 if chain is None else counts[chain])
            if i in searched.until and counts[searched.until[i]] == 0:
                until = quoted(searched.flat[searched.until[i]].text)
                self.findings.tell(
                    f"--until {until} matches no event: the blocks of {label.label} go on to the recording's end"
                )
            if asked.around and counts[searched.around[i]] == 0:
                raise NoMatchError(self._in_vain("--around ", asked.around, "nothing lies near it"))
            if asked.during and not any(
                timeline.states[searched.during[i]] for timeline in timelines
            ):
                lasts = "what lasts is what HED's Onset and Offset, or Duration, say"
                raise NoMatchError(
                    self._in_vain("--during ", asked.during, f"as a state it never holds: {lasts}")
                )

    def check_count(
        self, label: LabelConfig, query: Query, count: int, at_event_level_count: int
    ) -> None:
        """Refuse a query that matches nothing; hint where its ``&&`` matches less than AND.

        Raises
        ------
        NoMatchError
            With the reason and the closest things in use.
        """
        other = at_event_level(query)
        better = (
            f"{option(label)}{quoted(other.text)} matches {at_event_level_count}" if other else ""
        )
        told = f"{option(label)}{quoted(query.text)}"
        if count == 0:
            first = f"{told} matches no event in {self.corpus.place}."
            chain = (
                f"hedtools joins three or more && only where all meet in one group; {better}."
                if at_event_level_count
                else ""
            )
            raise NoMatchError(
                "\n  ".join([first, *([chain] if chain else self._reasons(label, query))])
            )
        if at_event_level_count > count:
            self.findings.tell(
                f"{told} matches {count} events: hedtools joins three or more && only where all meet in one group; {better}"
            )

    def check_left(self, events: Sequence[Event], dropped: Sequence[Dropped]) -> None:
        """Refuse labels of which no event is left.

        Raises
        ------
        NoMatchError
            With what took them.
        """
        left = {event.label for event in events}
        for label in self.config.labels:
            if label.label not in left:
                mine = Counter(f"--{one.cause}" for one in dropped if one.label == label.label)
                took = " and ".join(
                    f"{cause.replace('overlap', 'overlap first')} takes {count}"
                    for cause, count in mine.items()
                )
                raise NoMatchError(
                    f"{option(label)}{_shown(label.query)} matches {mine.total()} event{'s' if mine.total() != 1 else ''} "
                    f"in {self.corpus.place}, and none is left: {took}"
                )

    def _in_vain(self, shown: str, query: Query, consequence: str) -> str:
        """Why the query of an option does nothing, with how many rows match it."""
        count = self._counts([query])[0]
        matches = (
            f"matches {count} rows, but " if count else f"matches no row in {self.corpus.place}: "
        )
        return f"{shown}{quoted(query.text)} {matches}{consequence}"

    def _check_word(self, shown: str, query: Query, word: Word) -> None:
        told = f"{shown}{quoted(query.text)}"
        if "*" in word.written and not re.fullmatch(r'"?[^*]+\*+"?|\*', word.written):
            told = f"{told}: hedtools reads {word.written} as {word.text}*"
            self.findings.tell(told)
        if self._in_schema(word):
            return
        if advice := self._advice(word):
            self.findings.tell(f"{told}: {advice}")
        elif not self._in_use(word):
            versions = ", ".join(dict.fromkeys(self.corpus.versions.values()))
            reason = f"{told}: {word.written} is not a HED tag ({versions}), nor a definition or value in {self.corpus.place}."
            raise QueryError("\n  ".join([reason, *self._suggestions(shown, query, word)]))

    def _in_schema(self, word: Word) -> bool:
        base, slash, _ = word.text.partition("/")
        tags = self.corpus.tags
        return base in tags or (
            word.kind == "prefix" and not slash and any(tag.startswith(base) for tag in tags)
        )

    def _in_use(self, word: Word) -> bool:
        """Whether a tag that no schema has is in use as it is asked for."""
        used = (tag.casefold() for tag in self.vocabulary.used)
        return any(
            tag.startswith(word.text)
            if word.kind == "prefix"
            else tag == word.text and word.kind == "exact"
            for tag in used
        )

    def _advice(self, word: Word) -> str:
        """How to write a word that hedtools never matches as it is; "" where there is no such advice."""
        long_form = self.corpus.tags.get(word.text.rpartition("/")[2], "")
        if (
            word.kind == "exact"
            and "/" in word.text
            and f"/{long_form}".casefold().endswith(f"/{word.text}")
        ):
            return f"{word.written} is a long form, which hedtools never matches; write {long_form.rpartition('/')[2]}"
        if word.kind == "exact" or word.text in self.corpus.tags:
            return ""
        if word.text in self.vocabulary.definitions:
            return (
                f"{word.written} is the name of a definition, not a tag; write Def/{word.written}"
            )
        stray = (
            [tag for tag in self.vocabulary.used if tag.casefold() == word.text]
            if word.kind == "term"
            else []
        )
        if stray:
            return f'{word.written} is in use, but no tag of its HED version, so that only quotes find it; write "{stray[0]}"'
        values = self.vocabulary.values(word.text) if word.kind == "term" else []
        if word.kind == "prefix" and not self._in_use(word):
            values = [tag for tag in self.vocabulary.starting(word.text) if "/" in tag]
        if values:
            written = (
                to_paste(values[0])
                if word.kind == "term"
                else f"{values[0].partition('/')[0]}/{word.written}"
            )
            return f"{word.written} is a value, not a tag; write {written}"
        return ""

    def _reasons(self, label: LabelConfig, query: Query) -> list[str]:
        """Why a query matches nothing: its first word that does not, or that its words never meet."""
        words = [word for term in query.wanted() for word in term.words if not word.banned]
        words = list({word.written: word for word in words}.values())
        together = (
            compile_query(" AND ".join(word.written for word in words)) if len(words) > 1 else None
        )
        counts = self._counts(
            [*(compile_query(word.written) for word in words), *([together] if together else [])]
        )
        missing = [word for word, count in zip(words, counts, strict=False) if count == 0]
        if missing:
            others = ", ".join(word.written for word in missing[1:])
            reason = self._reason(missing[0]) + (
                f" Nothing matches {others} either." if others else ""
            )
            skipped = self._skipped()
            return [
                reason,
                *skipped,
                *self._suggestions(option(label), query, missing[0], follow=label.until is None),
            ][:3]
        found = ", ".join(
            f"{word.written} {count}" for word, count in zip(words, counts, strict=False)
        )
        reasons = (
            [f"Each of its words matches events here ({found}), but not together as asked."]
            if words
            else []
        )
        if together and counts[-1]:
            reasons.append(
                f"Try:  {option(label)}{quoted(together.text)}, which matches {counts[-1]}, in one group or not."
            )
        return [*reasons, *self._skipped()]

    def _counts(self, queries: Sequence[Query]) -> list[int]:
        return _counts(self.corpus.timelines(tuple(queries), IssueCounter()), len(queries))

    def _reason(self, word: Word) -> str:
        """Why one word matches nothing."""
        if advice := self._advice(word):
            return f"{advice}."
        if self._skipped() and (rows := self._uses(word)):
            return f"{word.written} is in use ({rows} row{'s' if rows != 1 else ''}), but not in a row that could be searched."
        if self.findings.counts["unknown"] and self._uses(word):
            versions = ", ".join(dict.fromkeys(self.corpus.versions.values()))
            return f"{word.written} is in use, but not as a tag of the HED version ({versions}); does a library prefix fit (--hed-version)?"
        base, slash, _ = word.text.partition("/")
        parent, _, name = self.corpus.tags.get(base, word.written.strip('"')).rpartition("/")
        uses = [tag for tag in self.vocabulary.ranked() if tag.casefold().partition("/")[0] == base]
        if word.kind == "exact" and not slash and uses:
            return f"{word.written} asks for the tag without a value; without quotes {name} also finds {uses[0]}."
        if slash and uses:
            return f"{name} is in use, but not with this value."
        if word.kind == "prefix" and not slash:
            return f"No tag in use begins with {word.text}."
        child = "" if slash or word.kind == "exact" else " or a child of it"
        return f"{name} is a HED tag{f' ({parent})' if parent else ''}, but no event here uses it{child}."

    def _suggestions(
        self, shown: str, query: Query, word: Word, *, follow: bool = False
    ) -> list[str]:
        """What looks like a word, and the query with it; else what is used most.

        With ``follow`` also what may end its blocks: the next best value of the same tag.
        """
        if advised := re.search(r"; write (\S+)$", self._advice(word)):
            return [f"Try:  {shown}{quoted(_swapped(query.text, word.written, advised[1]))}"]
        base, slash, value = word.text.partition("/")
        alike = self.vocabulary.alike(value or base, SHOWN)
        own = [
            tag
            for tag in self.vocabulary.ranked()
            if slash and tag.casefold().startswith(f"{base}/")
        ]
        if own:
            alike = [tag for tag in alike if tag in own]
        if not alike:
            return (
                [f"In use:  {self.vocabulary.counted(own[:SHOWN])}"]
                if own
                else self._close_tags(word)
            )
        alone = WORD.fullmatch(query.text) is not None
        follower = next(
            (
                tag
                for tag in alike[1:]
                if "/" in tag and tag.partition("/")[0] == alike[0].partition("/")[0]
            ),
            "",
        )
        ending = f" --until {quoted(to_paste(follower))}" if follower and follow and alone else ""
        name = (
            f"{slug(query.text).casefold().replace('-', '_').strip('_')}="
            if alone and shown == "--hed "
            else ""
        )
        again = quoted(_swapped(query.text, word.written, to_paste(alike[0])))
        if again == quoted(query.text):  # the query that has just failed
            return []
        return [
            f"Tags in use that look alike:  {self.vocabulary.counted(alike)}",
            f"Try:  {shown}{name}{again}{ending}",
        ]

    def _close_tags(self, word: Word) -> list[str]:
        tags = self.corpus.tags
        close = [
            tags[tag].rpartition("/")[2]
            for tag in get_close_matches(word.text, tags, n=SHOWN, cutoff=0.75)
            if tag != word.text
        ]
        most = self.vocabulary.counted(self.vocabulary.ranked()[:SHOWN])
        lines = [f"HED tags that look alike:  {'   '.join(close)}"] if close else []
        return [*lines, *([f"Tags used most here:  {most}"] if most else [])]

    def _skipped(self) -> list[str]:
        """Rows that were not searched at all, in one line."""
        said = [
            self.findings.line(kind)
            for kind in ("columns", "onset", "unbalanced")
            if self.findings.counts[kind]
        ]
        return [f"{said[0]}."] if said else []

    def _uses(self, word: Word) -> int:
        """Rows that hold a tag as a word asks for it, searched or not."""
        written = word.text.casefold()
        return sum(
            count
            for tag, count in self.vocabulary.used.items()
            if written in (tag.casefold(), tag.casefold().partition("/")[0])
        )


def _counts(timelines: Sequence[Timeline], size: int) -> list[int]:
    """How many moments each query matches."""
    hits = [moment.part.hits for timeline in timelines for moment in timeline.moments]
    return [sum(column) for column in zip(*hits, strict=True)] if hits else [0] * size


def _shown(query: Any) -> str:
    return quoted(query) if isinstance(query, str) else repr(query)


def option(label: LabelConfig) -> str:
    """How a label was asked for, up to its query."""
    named = not isinstance(label.query, str) or label.label != slug(label.query)
    return f"--hed {label.label}=" if named else "--hed "


def _swapped(text: str, old: str, new: str) -> str:
    """A query with one word for another."""
    return re.sub(rf"(?<![\w\-/.]){re.escape(old)}(?![\w\-/.*])", lambda _: new, text)


def slug(text: str) -> str:
    """A query as a label."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)
