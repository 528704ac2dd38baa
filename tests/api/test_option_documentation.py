"""The docstring of a function lists its options, so that `help` shows them."""

from __future__ import annotations

import doctest
import inspect
import pydoc

import pytest

import bids_dl
from bids_dl.api import option_documentation
from bids_dl.api.option_documentation import document_options
from bids_dl.config.declaration import declared_options
from bids_dl.config.export_options import ExportOptions
from bids_dl.config.options import ConvertOptions
from bids_dl.config.training_options import CompareOptions, TrainOptions


def test_the_examples_are_right():
    assert doctest.testmod(option_documentation).failed == 0


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        ("convert", ConvertOptions),
        ("train", TrainOptions),
        ("compare", CompareOptions),
        ("export", ExportOptions),
    ],
)
def test_the_help_of_a_function_has_each_option_with_its_meaning(name, declaration):
    text = pydoc.plain(pydoc.render_doc(getattr(bids_dl, name)))
    for option in declared_options(declaration).values():
        assert f"    {option.name} : " in text
        assert f"        {option.opt.help}\n" in text
    assert text.index("Other Parameters") < text.index("Returns\n")


def test_every_function_with_options_lists_them():
    functions = [getattr(bids_dl, name) for name in bids_dl.__all__]
    with_options = [
        function
        for function in functions
        if inspect.isfunction(function) and "options" in inspect.signature(function).parameters
    ]
    assert len(with_options) > 15
    assert [f.__name__ for f in with_options if "Other Parameters" not in f.__doc__] == []


def test_types_have_no_names_of_modules():
    assert "hed : str | Sequence[str] | Mapping[str, str | Mapping[str, Any]]" in (
        bids_dl.convert.__doc__
    )


def test_a_function_without_options_or_docstring_stays_as_it_is():
    def plain(options: int) -> None:
        """Do nothing."""

    assert document_options(plain) == "Do nothing."
    plain.__doc__ = None  # as with python -OO
    assert document_options(plain) is None
