"""Links from annotations to classes that a module imports for type checkers only.

Sphinx evaluates annotations in the module of a function. A name that the module imports only under
`if TYPE_CHECKING` is unknown there, and would be printed without its module and without a link.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import typing
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy
import numpy.typing
import pandas
from sphinx.application import Sphinx

import bids_dl

DOCUMENTED = (
    *("api", "errors", "models", "preprocess", "store", "stream", "testing", "training"),
    "transforms",
)
"""Modules of `bids_dl` with documented names, and packages whose modules have them."""


QUOTED = {"np": numpy, "npt": numpy.typing, "pd": pandas}
"""Names in quoted parts of aliases, which are evaluated in each module that uses the alias."""


def complete_imports(module: ModuleType) -> None:
    """Execute the imports that a module makes for type checkers only."""
    vars(module).update({name: value for name, value in QUOTED.items() if name not in vars(module)})
    tree = ast.parse(inspect.getsource(module))
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            imports = compile(ast.Module(node.body, type_ignores=[]), str(module.__file__), "exec")
            exec(imports, module.__dict__)  # noqa: S102  # code of bids_dl itself


def resolve_constructors(module: ModuleType) -> None:
    """Replace the annotations of constructors, which are text, by types.

    Sphinx evaluates those of functions, but of a class only those of its attributes.
    """
    for value in vars(module).values():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            constructor = vars(value).get("__init__")
            if not inspect.isfunction(constructor):
                continue
            if constructor.__code__.co_filename == module.__file__:  # not one that is generated
                hints = typing.get_type_hints(constructor, include_extras=True)
                constructor.__annotations__ = hints


def find_modules(name: str) -> list[ModuleType]:
    """Import a module of `bids_dl` and, if it is a package, the modules in it."""
    module = import_module(f"bids_dl.{name}")
    found = [module]
    for entry in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
        if not entry.name.endswith("__main__"):
            found.append(import_module(entry.name))
    return found


def complete_all(_app: Sphinx | None) -> None:
    """Complete the imports of the documented modules."""
    modules = [module for name in DOCUMENTED for module in find_modules(name)]
    for module in modules:
        complete_imports(module)
    for module in modules:
        resolve_constructors(module)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("builder-inited", complete_all, priority=100)  # before the pages are written
    return {"version": bids_dl.__version__, "parallel_read_safe": True}
