"""Measure how the package reads, and fail where a number is worse than its limit.

Run ``python tests/code_metrics.py`` for a table of rooms, ``python tests/code_metrics.py
bids_dl/store`` for one room with the place of each breach. `LIMITS` holds what is allowed for
the package as a whole; lower a limit when a number improves.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).parents[1] / "bids_dl"
MAX_LINE = 100  # characters
VERBS = frozenset(
    """
    accept accumulate add address adjust admit align allocate allow annotate answer append
    apply arrange ask assemble assert assign attach average await balance ban begin bin
    block bound break bring build bypass cache calculate call cancel cap capture carry cast
    catch change check choose claim clamp clean clear clip close collapse collect combine
    compare compile compute concatenate condense configure confirm connect consume convert
    copy correct count cover create cut decide decode decompose decrement deduplicate defer
    delete deliver demean derive describe design detach detect determine disable discard
    discover display distribute divide document download draw drive drop duplicate embed
    emit empty enable encode end enforce ensure enter enumerate erase escape estimate
    evaluate evict exchange exclude execute exhaust exit expand explain export expose extend
    extract fail fall fetch fill filter find finish fit fix flag flatten flush fold follow
    forget format forward free freeze gather generate get give group grow guard guess handle
    harmonise hash hide highlight hold identify ignore import impute include increment index
    infer initialize inject insert inspect install interpolate intersect invert invoke issue
    iterate join keep label launch learn leave limit link list load locate lock log look
    loop lower make map mark mask match measure meet merge migrate mirror mix modify move
    multiply name narrow normalize note notify number observe obtain omit open order outline
    overwrite pack pad parse partition pass pause permute pick pin place plan plot point
    pool prefer prefetch prepare preprocess present preserve print process produce project
    promise propagate protect prove provide prune publish pull push put quantize query quote
    raise rank rate reach read rebuild receive record recover reduce refer reference refine
    reformat refuse register reject relate release reload rely remember remove rename render
    reopen reorder repair repeat replace report represent request require rerun resample
    reserve reset reshape resolve restore restrict resume retrieve retry return reuse
    reverse revert rewind reword rewrite rotate round run sample save scale scan scatter
    schedule score seal search seek select send separate serialize serve set settle shape
    share shift shorten show shrink shuffle shut sign signal silence simplify simulate skip
    slice smooth snap sort spawn split spread square stack stage stand standardize start
    state stay step stop store stream strip submit subset subtract suggest sum summarise
    summarize supply support suppress survive swap switch tag take tally tell terminate test
    throw tie time tokenize track train transform translate transpose traverse treat trim
    truncate trust try turn type undo unfold unify unlock unpack unpickle unwrap update
    upload use validate verify view visit vote wait wake walk warn watch weigh weight widen
    wrap write yield zero zip
    """.split()  # noqa: SIM905  (a list of one word a line would be seven screens)
)
QUESTIONS = frozenset(
    {"what", "whether", "where", "how", "why", "who", "which", "when", "whatever"}
)

LIMITS = {
    "verbs": 0.80,  # at least: share of documented functions whose summary begins with a verb
    "documented": 0.64,  # at least: share of functions with a docstring
    "questions": 0.01,  # at most: share of summaries that are indirect questions
    "semicolons": 0.02,  # at most: share of summaries with a semicolon
    "comprehensions": 3.0,  # at most: per 100 lines of code
    "nested": 0,  # comprehensions with two `for` and a condition
    "conditionals": 0,  # conditional expressions inside another
    "long lines": 0,
    "double classes": 0,  # class names that occur twice in the package
    "large files": 0,  # over 400 lines
    "large functions": 0,  # bodies over 60 lines
}
AT_LEAST = {"verbs", "documented"}


@dataclass
class Room:
    """Counts over the files of one room, and the places of breaches by kind."""

    files: int = 0
    lines: int = 0
    functions: int = 0
    documented: int = 0
    callables: int = 0  # documented functions that are not properties
    verbs: int = 0
    summaries: int = 0
    questions: int = 0
    semicolons: int = 0
    comprehensions: int = 0
    bodies: list[int] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    breaches: list[tuple[str, str]] = field(default_factory=list)  # kind, place

    def numbers(self) -> dict[str, float]:
        """The measured value of each limit."""
        kinds = Counter(kind for kind, _ in self.breaches)
        return {
            "verbs": self.verbs / max(1, self.callables),
            "documented": self.documented / max(1, self.functions),
            "questions": self.questions / max(1, self.summaries),
            "semicolons": self.semicolons / max(1, self.summaries),
            "comprehensions": 100 * self.comprehensions / max(1, self.lines),
            "nested": kinds["nested"],
            "conditionals": kinds["conditionals"],
            "long lines": kinds["long lines"],
            "double classes": sum(count > 1 for count in self.classes.values()),
            "large files": kinds["large files"],
            "large functions": kinds["large functions"],
        }


def measure(files: Iterator[Path] | list[Path]) -> Room:
    """Count over Python files."""
    room = Room()
    for file in files:
        _measure_file(file, room)
    return room


def _measure_file(file: Path, room: Room) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    where = (
        file.relative_to(PACKAGE.parent).as_posix()
        if file.is_relative_to(PACKAGE.parent)
        else str(file)
    )
    tree = ast.parse(text)
    room.files += 1
    room.lines += sum(bool(line.strip()) for line in lines)
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            room.breaches.append(("long lines", f"{where}:{number}"))
    if len(lines) > 400:
        room.breaches.append(("large files", f"{where}: {len(lines)} lines"))
    _measure_summary(tree, where, room, is_function=False)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            room.classes[node.name] += 1
            _measure_summary(node, where, room, is_function=False)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _measure_function(node, where, room)
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            room.comprehensions += 1
            if len(node.generators) > 1 and any(generator.ifs for generator in node.generators):
                room.breaches.append(("nested", f"{where}:{node.lineno}"))
        elif isinstance(node, ast.IfExp) and _holds_conditional(node):
            room.breaches.append(("conditionals", f"{where}:{node.lineno}"))


def _holds_conditional(node: ast.IfExp) -> bool:
    parts = (node.test, node.body, node.orelse)
    return any(isinstance(inner, ast.IfExp) for part in parts for inner in ast.walk(part))


def _measure_function(node: ast.FunctionDef | ast.AsyncFunctionDef, where: str, room: Room) -> None:
    room.functions += 1
    documented = ast.get_docstring(node) is not None
    first = node.body[0].end_lineno if documented else node.body[0].lineno - 1
    size = (node.end_lineno or 0) - (first or 0)
    room.bodies.append(size)
    if size > 60:
        room.breaches.append(("large functions", f"{where}:{node.lineno} {node.name}: {size}"))
    if documented:
        room.documented += 1
        _measure_summary(node, where, room, is_function=not _is_property(node))


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name.endswith("property") for name in names)


def _measure_summary(node: ast.AST, where: str, room: Room, *, is_function: bool) -> None:
    text = ast.get_docstring(node)  # type: ignore[arg-type]
    if not text:
        return
    summary = " ".join(text.partition("\n\n")[0].split())
    word = summary.split()[0].strip("`,.:;").lower()
    place = f"{where}:{getattr(node, 'lineno', 1)} {summary[:70]}"
    room.summaries += 1
    if word in QUESTIONS:
        room.questions += 1
        room.breaches.append(("question", place))
    if ";" in summary:
        room.semicolons += 1
        room.breaches.append(("semicolon", place))
    if is_function:
        room.callables += 1
        room.verbs += word in VERBS
        if word not in VERBS:
            room.breaches.append(("no verb", place))


def breaches(numbers: dict[str, float]) -> list[str]:
    """Return a line for each number that is worse than its limit."""
    worse = []
    for name, limit in LIMITS.items():
        value = numbers[name]
        if value < limit if name in AT_LEAST else value > limit:
            bound = "at least" if name in AT_LEAST else "at most"
            worse.append(f"{name}: {value:.3g}, allowed is {bound} {limit:g}")
    return worse


def package_files(folder: Path = PACKAGE) -> list[Path]:
    """List the Python files below a folder."""
    return [folder] if folder.is_file() else sorted(folder.rglob("*.py"))


def print_rooms() -> None:
    """Print one row of numbers for each room of the package."""
    names = list(LIMITS)
    print("room".ljust(16), "files", "lines", "median", *names)
    for room in sorted({file.relative_to(PACKAGE).parts[0] for file in package_files()}):
        print_row(room, measure(package_files(PACKAGE / room)))
    print_row("all", measure(package_files()))


def print_row(name: str, room: Room) -> None:
    """Print the numbers of a room in one line."""
    values = [f"{value:.2f}".rjust(len(key)) for key, value in room.numbers().items()]
    body = median(room.bodies) if room.bodies else 0
    print(name.ljust(16), f"{room.files:5} {room.lines:5} {body:6}", *values)


def main() -> int:
    """Print the numbers; return 1 if one of the package is worse than its limit."""
    if len(sys.argv) > 1:
        room = measure(package_files(Path(sys.argv[1]).resolve()))
        for kind, place in sorted(room.breaches):
            print(f"{kind}: {place}")
        print_row(sys.argv[1], room)
        return 0
    print_rooms()
    worse = breaches(measure(package_files()).numbers())
    print(*worse, sep="\n")
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
