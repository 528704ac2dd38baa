"""HED queries: hedtools' grammar, with AND, OR and NOT between whole queries; what hedtools would misread silently is refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hed import HedQueryError, QueryHandler

from bids_dl.errors import QueryError

TOKEN = re.compile(
    r"\[|\]|\}|\{|:|\)|\(|~|\?+|&&|\|\||,|[\"_\-a-zA-Z0-9/.^#*@]+"
)  # as in hedtools' tokenizer
WORD = re.compile(r"[\"_\-a-zA-Z0-9/.^#*@]+")
EVENT_LEVEL = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")
CLOSING = {"(": ")", "[": "]", "{": "}"}
LONGEST = 400  # words and operators of a query: it is read and searched by recursion
JOINTS = ("&&", "||", ",")
GROUPS = {"all": "all", "any": "any", "none": "not"}


@dataclass(frozen=True, slots=True)
class Word:
    """A tag as a query asks for it."""

    text: str  # case-folded, without @, quotes and *
    kind: Literal["term", "exact", "prefix"]
    written: str  # as in the query, without @
    banned: bool  # written with @: must be nowhere in the event


@dataclass(frozen=True, slots=True)
class Query:
    """One HED query, or others combined at the level of events."""

    kind: Literal["hed", "all", "any", "not"]
    text: str
    parts: tuple[Query, ...] = ()
    words: tuple[Word, ...] = ()
    handler: Any = field(default=None, compare=False, repr=False)  # hed.QueryHandler

    def holds(self, hit: Callable[[Query], bool]) -> bool:
        """Whether an event matches, given which single HED queries it matches."""
        if self.kind == "hed":
            return hit(self)
        if self.kind == "not":
            return not self.parts[0].holds(hit)
        return (all if self.kind == "all" else any)(part.holds(hit) for part in self.parts)

    def terms(self) -> Iterator[Query]:
        """The single HED queries, in reading order."""
        if self.kind == "hed":
            yield self
        for part in self.parts:
            yield from part.terms()

    def wanted(self) -> Iterator[Query]:
        """The single HED queries that are not under a NOT."""
        if self.kind == "hed":
            yield self
        elif self.kind != "not":
            for part in self.parts:
                yield from part.wanted()

    @property
    def keeps_offsets(self) -> bool:
        """Whether the query itself names Offset, so that Offset groups stay in the tree it is searched in."""
        return any(word.text == "offset" for term in self.terms() for word in term.words)


def at_event_level(query: Query) -> Query | None:
    """The same query with every chain of three or more ``&&`` joined by AND instead; None if it has none.

    hedtools combines the terms of a chain only where they meet in one group, so a chain may match less than is meant.
    """
    changed = query
    if query.kind == "hed":
        changed = _unchained(query)
    elif query.parts:
        changed = rebuilt(query, [at_event_level(part) or part for part in query.parts])
    return changed if changed.text != query.text else None


def _unchained(term: Query) -> Query:
    pieces, depth, joints, start = [], 0, 0, 0
    for match in TOKEN.finditer(term.text):
        token = match.group()
        if token in ("~", "||") and depth == 0:
            return term
        depth += (token in CLOSING) - (token in CLOSING.values())
        if token in JOINTS:
            joints += 1
            if depth == 0:
                pieces.append(term.text[start : match.start()].strip())
                start = match.end()
    pieces.append(term.text[start:].strip())
    return (
        _combined("all", [_term(piece, term.text) for piece in pieces])
        if joints >= 2 and len(pieces) > 1
        else term
    )


def compile_query(query: Any, option: str = "--hed") -> Query:
    """Read a query: a string as on the command line, or a mapping of all, any and none, nested.

    Parameters
    ----------
    option
        How the user named the query, for messages.

    Raises
    ------
    QueryError
        If hedtools cannot parse it, or would read it otherwise than written.
    """
    if isinstance(query, str):
        return _alternatives(query, option)
    if isinstance(query, Mapping):
        return _mapping(query, option)
    raise QueryError(f"{option} {query!r}: a query is a text, or a mapping of all, any and none")


def any_of(queries: list[Query]) -> Query:
    """What any of some queries matches."""
    return _combined("any", queries)


def rebuilt(query: Query, parts: list[Query]) -> Query:
    """A combination of other parts in the same way."""
    return (
        _negated(parts[0])
        if query.kind == "not"
        else _combined("all" if query.kind == "all" else "any", parts)
    )


def quoted(text: str) -> str:
    """A query as on a command line."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def _mapping(query: Mapping[str, Any], option: str) -> Query:
    if not query or set(query) - set(GROUPS):
        raise QueryError(
            f"{option} {dict(query)!r}: a query has the keys all, any and none, got {sorted(map(str, query))}"
        )
    parts = []
    for key in GROUPS:
        if key not in query:
            continue
        items = query[key] if isinstance(query[key], (list, tuple)) else [query[key]]
        if not items:
            raise QueryError(f"{option} {dict(query)!r}: {key} holds no query")
        inner = [compile_query(item, option) for item in items]
        parts += (
            [_negated(part) for part in inner]
            if key == "none"
            else [_combined("all" if key == "all" else "any", inner)]
        )
    return _combined("all", parts)


def _combined(kind: Literal["all", "any"], parts: list[Query]) -> Query:
    if len(parts) == 1:
        return parts[0]
    word = " AND " if kind == "all" else " OR "
    texts = [
        f"({part.text})" if part.kind not in ("hed", "not", kind) else part.text for part in parts
    ]
    return Query(kind, word.join(texts), tuple(parts))


def _negated(part: Query) -> Query:
    text = part.text if part.kind in ("hed", "not") else f"({part.text})"
    return Query("not", f"NOT {text}", (part,))


def _alternatives(text: str, option: str) -> Query:
    """Split at the words OR, AND and NOT; NOT binds tightest, OR loosest."""
    pieces = [piece.strip() for piece in EVENT_LEVEL.split(text)]
    shown = f"{option} {quoted(text)}"
    if len(pieces) + len(TOKEN.findall(text)) > LONGEST:
        raise QueryError(
            f"{shown[:80]}...: more than {LONGEST} words and operators; split the query"
        )
    return _combined("any", [_conjunction(group, shown) for group in _split(pieces, "OR")])


def _conjunction(pieces: list[str], shown: str) -> Query:
    return _combined("all", [_operand(group, shown) for group in _split(pieces, "AND")])


def _split(pieces: list[str], word: str) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for piece in pieces:
        if piece == word:
            groups.append([])
        else:
            groups[-1].append(piece)
    return groups


def _operand(pieces: list[str], shown: str) -> Query:
    *before, last = pieces
    if any(piece not in ("", "NOT") for piece in before):
        raise QueryError(f"{shown}: {before[0]} is followed by NOT; write AND NOT")
    if not last:
        what = (
            "the query is empty"
            if shown.endswith('""')
            else "a query is missing beside AND, OR or NOT"
        )
        raise QueryError(f"{shown}: {what}; give a HED tag, such as Sensory-event")
    query = _term(last, shown)
    for _ in range(before.count("NOT")):
        query = _negated(query)
    return query


def _term(text: str, shown: str) -> Query:
    tokens = _tokens(text, shown)
    words = tuple(_word(token, shown) for token in tokens if WORD.fullmatch(token))
    try:
        handler = QueryHandler(text)
    except HedQueryError as error:
        raise QueryError(f"{shown}: {_reason(tokens, str(error), shown)}") from error
    except RecursionError as error:
        raise QueryError(f"{shown[:80]}...: too many brackets") from error
    _check_operands(handler.tree, tokens, shown)
    return Query("hed", text, words=words, handler=handler)


def _tokens(text: str, shown: str) -> list[str]:
    """The tokens of a query; whatever hedtools would drop between them is an error."""
    tokens, end = [], 0
    for match in [*TOKEN.finditer(text), None]:
        dropped = text[end : match.start() if match else len(text)].strip()
        if dropped:
            raise QueryError(f"{shown}: {_about(dropped, text)}")
        if match:
            tokens.append(match.group())
            end = match.end()
    return tokens


def _about(dropped: str, text: str) -> str:
    if dropped[0] in "&|":
        return f"a single {dropped[0]} means nothing; write && for and, || for or"
    if dropped[0] == "!":
        return "! is not a negation; write @Tag for a tag that must be nowhere in the event"
    if dropped[0] in "<>=":
        return f"{dropped[0]} means nothing: values are compared as text only, as in Item-count/3"
    if not dropped[0].isascii():
        return f"{dropped!r} cannot be written in a query; end the word before it with *"
    return f"{dropped!r} cannot be written in a query{', end the value before it with *' if '/' in text else ''}"


def _word(token: str, shown: str) -> Word:
    """Read a word as hedtools does: @ first, then quotes, * and /."""
    banned, written = token.startswith("@"), token.removeprefix("@")
    quoted = len(written) > 2 and written[0] == written[-1] == '"'
    text = written[1:-1] if quoted else written
    if not text or text.startswith("@"):
        raise QueryError(
            f"{shown}: {token} names no tag; write @Tag for a tag that must be nowhere in the event"
        )
    if '"' in text:
        raise QueryError(
            f"{shown}: quotes go around one whole word without blanks; for a value with a blank end the word with *"
        )
    kind: Literal["term", "exact", "prefix"] = (
        "prefix" if "*" in text else "exact" if quoted or "/" in text else "term"
    )
    return Word(text.replace("*", "").casefold(), kind, written, banned)


def _check_operands(node: Any, tokens: list[str], shown: str) -> None:
    """Refuse operators that hedtools took for a tag, as in ``Red && &&``: such a query never matches."""
    if node is None:
        return
    leaf = node.left is None and node.right is None
    if (
        leaf
        and (TOKEN.fullmatch(node.token.text) and not WORD.fullmatch(node.token.text))
        and node.token.text not in ("?", "??", "???")
    ):
        raise QueryError(
            f"{shown}: {_reason(tokens, f'{node.token.text} stands where a tag should', shown)}"
        )
    _check_operands(node.left, tokens, shown)
    _check_operands(node.right, tokens, shown)


def _reason(tokens: list[str], error: str, shown: str) -> str:
    """Why hedtools refuses a query, and what to write."""
    beside = next(
        (
            (one, two)
            for one, two in itertools.pairwise(tokens)
            if WORD.fullmatch(one) and WORD.fullmatch(two)
        ),
        None,
    )
    if open_bracket := _unbalanced(tokens):
        extra = (
            "; AND, OR and NOT take no brackets: nest all, any and none in YAML"
            if EVENT_LEVEL.search(shown)
            else ""
        )
        return f"the bracket {open_bracket} has no partner{extra}"
    if beside:
        return _about_neighbours(*beside)
    if ":" in tokens and "{" not in tokens:
        return "a tag is written without its library prefix, and a value cannot hold a colon"
    if "~" in tokens and ("negat" in error):
        return "~ cannot be used there; write @Tag for a tag that must be nowhere in the event"
    joined = any(one in JOINTS and two in JOINTS for one, two in itertools.pairwise(tokens))
    if joined or "get next token" in error or "stands where" in error:
        return "a tag is missing beside an operator"
    return f"hedtools cannot parse it ({error.splitlines()[0].rstrip('.')})"


def _about_neighbours(one: str, two: str) -> str:
    operator = next((word for word in (one, two) if word.casefold() in ("and", "or", "not")), None)
    if operator:
        return f"{operator} is not an operator; write &&, || or @Tag, or AND, OR, NOT in capitals between whole queries"
    if "/" in one:
        return f"a blank in a value cannot be written; ask for {one}*"
    return f"{one} and {two} are two words; write {one}-{two} if that is the tag, or {one} && {two} for both"


def _unbalanced(tokens: list[str]) -> str:
    opened: list[str] = []
    for token in tokens:
        if token in CLOSING:
            opened.append(token)
        elif token in CLOSING.values() and (not opened or CLOSING[opened.pop()] != token):
            return token
    return opened[-1] if opened else ""
