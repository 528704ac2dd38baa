"""Pages of the Python interface: functions with their options, classes, results, errors."""

from __future__ import annotations

import inspect
import pkgutil
import re
import typing
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import bids_dl
import bids_dl.errors
import bids_dl.store
import bids_dl.stream
import bids_dl.testing
from extensions.markdown import code, contents, directive, literals, page, table
from extensions.option_tables import function_table, options_of

INTERNAL = ("bids_dl.remote", "bids_dl.source", "bids_dl.config")
"""Modules whose classes are no part of the interface, though fields of results have them."""


def python_pages() -> dict[str, str]:
    """Return all pages of the Python interface by path."""
    functions = [name for name in bids_dl.__all__ if inspect.isfunction(getattr(bids_dl, name))]
    pages = {f"python/{name}.md": _function_page(name) for name in functions}
    pages["python/streaming.md"] = _streaming_page()
    pages["python/store.md"] = page(
        "python-store",
        "Store",
        "`bids_dl.open_store` opens a store, `bids_dl.Store` describes it and reads its arrays.",
        directive("autoclass", "bids_dl.Store", ":members:"),
    )
    pages["python/results.md"] = _results_page()
    pages["python/testing.md"] = _testing_page()
    pages["python/errors.md"] = _errors_page()
    pages["python/index.md"] = _index_page(functions)
    return pages


def _index_page(functions: Iterable[str]) -> str:
    rows = []
    for name in functions:
        rows.append((f"[bids_dl.{name}]({name}.md)", literals(_doc(getattr(bids_dl, name)))))
    others = (
        ("streaming", "Stream a store as batches"),
        ("store", "Read a store"),
        ("results", "Results of functions"),
        ("testing", "Synthetic datasets and stores"),
        ("errors", "Errors and exit statuses"),
    )
    return page(
        "python",
        "Python",
        "Each command has a function of the same name and options.",
        table(("function", "purpose"), rows),
        table(("classes", "purpose"), [(f"[{n}]({n}.md)", purpose) for n, purpose in others]),
        contents([*functions, *(name for name, _ in others)]),
    )


def _doc(documented: Any) -> str:
    return inspect.getdoc(documented) or ""


def _function_page(name: str) -> str:
    function = getattr(bids_dl, name)
    declaration = option_declaration(function)
    options = ""
    if declaration is not None:
        rows = function_table(options_of([declaration]))
        options = f"## Options\n\nEach is a keyword argument.\n\n{rows}"
    command = {"list_recipes": "recipes", "list_models": "models"}.get(name, name)
    from extensions.command_pages import list_commands

    links = ""
    if command in {item.words for item in list_commands()}:
        links = f"On the command line: [bids-dl {command}](../commands/{command}.md)."
    return page(
        f"python-{name}",
        f"bids_dl.{name}",
        directive("autofunction", f"bids_dl.{name}"),
        options,
        links,
    )


def option_declaration(function: Any) -> type | None:
    """Return the `TypedDict` of the options of a function, None if it takes no options."""
    hints = typing.get_type_hints(inspect.unwrap(function))
    for hint in hints.values():
        if typing.get_origin(hint) is typing.Unpack:
            declaration: type = typing.get_args(hint)[0]
            return declaration
    return None


def _streaming_page() -> str:
    return page(
        "python-streaming",
        "Streaming",
        "[Streaming](../../../streaming.md) explains workers, ranks, the cache and resuming.",
        directive("autoclass", "bids_dl.StreamingDataset", ":members:"),
        directive("autoclass", "bids_dl.WindowDataset", ":members:"),
        *_documented(bids_dl.stream, without={"StreamingDataset", "WindowDataset"}),
    )


def _testing_page() -> str:
    return page(
        "python-testing",
        "Synthetic data",
        directive("automodule", "bids_dl.testing", ":no-members:"),
        *_documented(bids_dl.testing, without=set()),
    )


def _documented(module: ModuleType, *, without: set[str]) -> Iterator[str]:
    """Yield a directive for each public name of a module."""
    for name in sorted(set(module.__all__) - without, key=str.lower):
        value = getattr(module, name)
        path = f"{module.__name__}.{name}"
        if inspect.isclass(value):
            yield class_directive(value, path)
        elif inspect.isfunction(value):
            yield directive("autofunction", path)
        else:
            yield directive("autodata", f"{_home(module, name)}.{name}", ":no-value:")


def class_directive(documented: type, path: str) -> str:
    """Return the directive of a class with its members, but not the fields of a named tuple."""
    fields = getattr(documented, "_fields", ())
    excluded = [f":exclude-members: {', '.join([*fields, '__new__'])}"] if fields else []
    return directive("autoclass", path, ":members:", *excluded)


def _home(package: ModuleType, name: str) -> str:
    """Return the module of a package that assigns a constant and describes it below."""
    for entry in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        source = inspect.getsource(import_module(entry.name))
        if re.search(rf"^{name}\b.*=", source, re.MULTILINE):
            return entry.name
    return package.__name__


def _errors_page() -> str:
    errors = [
        value
        for value in vars(bids_dl.errors).values()
        if inspect.isclass(value) and issubclass(value, bids_dl.errors.BidsDlError)
    ]
    rows = []
    for error in errors:
        rows.append((code(error.__name__), str(error.exit_status), literals(_doc(error))))
    return page(
        "python-errors",
        "Errors and exit statuses",
        "A function raises one of these errors; the command of the same name prints its message "
        "and ends with its status. [Exit statuses](../../../cli.md#exit-status) has them all.",
        table(("error", "status", "meaning"), rows),
        *(
            directive("autoclass", f"bids_dl.errors.{e.__name__}", ":show-inheritance:")
            for e in errors
        ),
    )


def _results_page() -> str:
    parts = []
    for result in result_classes():
        parts.append(class_directive(result, f"{result.__module__}.{result.__qualname__}"))
    return page(
        "python-results",
        "Results of functions",
        "Classes that the functions of `bids_dl` return or pass on, and those of their fields.",
        *parts,
    )


def result_classes() -> list[type]:
    """Return the classes that public functions return or pass on, and those of their fields."""
    elsewhere = {
        getattr(module, name)
        for module in (bids_dl.store, bids_dl.stream, bids_dl.testing)
        for name in module.__all__
        if inspect.isclass(getattr(module, name))
    }
    public = [getattr(bids_dl, name) for name in bids_dl.__all__]
    first: dict[type, None] = {}
    for function in filter(inspect.isfunction, public):
        first |= dict.fromkeys(_classes_of_hints(inspect.unwrap(function)))
    found = dict(first)
    for result in (*first, *elsewhere):
        found |= dict.fromkeys(_classes_of_members(result))
    kept = [r for r in found if r not in elsewhere and not r.__module__.startswith(INTERNAL)]
    return sorted(kept, key=lambda result: result.__name__.lower())


def _classes_of_members(documented: type) -> Iterator[type]:
    yield from _classes_of_hints(documented)
    for name, member in vars(documented).items():
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function) and not name.startswith("_"):
            yield from _classes_of_hints(function)


def _classes_of_hints(documented: Any) -> Iterator[type]:
    for hint in typing.get_type_hints(documented).values():
        yield from _classes_in(hint)


def _classes_in(hint: Any) -> Iterator[type]:
    """Yield the classes of bids_dl in a type."""
    is_ours = inspect.isclass(hint) and hint.__module__.startswith("bids_dl.")
    if is_ours and not typing.is_typeddict(hint):
        yield hint
    for part in typing.get_args(hint):
        for member in part if isinstance(part, list) else [part]:
            yield from _classes_in(member)
