"""The generated reference has every command, option, step, recipe, model, function and error."""

from __future__ import annotations

import inspect
import os
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from markdown_pages import DOCS, anchors, links, pages

import bids_dl
from bids_dl import errors
from bids_dl.config.declaration import declared_options
from bids_dl.models import MODELS
from bids_dl.preprocess import list_recipes
from bids_dl.preprocess.steps.registry import STEPS
from bids_dl.transforms import TRANSFORMS

if os.environ.get("CI"):
    import sphinx  # noqa: F401  # in CI a missing package is a fault
else:
    pytest.importorskip("sphinx")


@pytest.fixture(scope="session")
def generated() -> dict[str, str]:
    """Pages of the reference by path, as the build writes them."""
    sys.path.insert(0, str(DOCS))
    try:
        import_module("extensions.type_checking_imports").complete_all(None)
        return import_module("extensions.reference").all_pages()
    finally:
        sys.path.remove(str(DOCS))


def commands() -> list[tuple[str, object]]:
    module = import_module("extensions.command_pages")
    return [(item.file_name, item) for item in module.list_commands()]


def test_every_command_has_a_page_with_all_its_options(generated):
    listed = commands()
    assert {"convert", "train", "eeglab-install", "demo"} <= {name for name, _ in listed}
    for name, item in listed:
        page = generated[f"commands/{name}.md"]
        documented = {
            flag
            for row in re.findall(r"^\| (`-.*?) \| ", page, re.MULTILINE)
            for flag in re.findall(r"`(-[\w-]+)", row)
        }
        offered = {
            flag
            for p in item.command.params
            if not getattr(p, "hidden", False)
            for flag in p.opts
            if flag.startswith("-")
        }
        assert documented == offered - {"--help", "-h"}, name
        assert "```bash\nbids-dl " in page, name
        assert "{'" not in page, name


def test_every_function_has_a_page_with_all_its_options(generated):
    python_pages = import_module("extensions.python_pages")
    with_options = 0
    for name in bids_dl.__all__:
        function = getattr(bids_dl, name)
        if not inspect.isfunction(function):
            continue
        page = generated[f"python/{name}.md"]
        declaration = python_pages.option_declaration(function)
        if declaration is not None:
            with_options += 1
            rows = re.findall(r"^\| `(\w+)` \| ", page, re.MULTILINE)
            assert rows == list(declared_options(declaration)), name
    assert with_options > 15


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("steps", list(STEPS)),
        ("recipes", [name for name, _ in list_recipes()]),
        ("models", list(MODELS)),
        ("transforms", list(TRANSFORMS)),
    ],
)
def test_every_name_of_a_registry_has_a_page_and_a_row(generated, folder, names):
    paths = {path for path in generated if path.startswith(f"{folder}/")}
    assert paths == {f"{folder}/{name}.md" for name in [*names, "index"]}
    rows = re.findall(r"^\| \[([\w-]+)\]\(", generated[f"{folder}/index.md"], re.MULTILINE)
    assert rows == names


def test_a_step_shows_its_parameters_with_their_defaults(generated):
    page = generated["steps/filter.md"]
    assert "| `transition` | `Literal['auto', 'eeglab'] \\| float` | `auto` |" in page
    assert "Widmann" in page


def test_a_model_shows_its_contract_and_reference(generated):
    for name, spec in MODELS.items():
        assert spec.source in generated[f"models/{name}.md"]
        for option in spec.options:
            assert f"| `{option}` | " in generated[f"models/{name}.md"]


def test_every_error_has_its_exit_status(generated):
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", generated["python/errors.md"], re.MULTILINE))
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    expected = {
        c.__name__: str(c.exit_status) for c in classes if issubclass(c, errors.BidsDlError)
    }
    assert rows == expected


def test_links_of_the_generated_pages_lead_to_pages_and_anchors(generated, tmp_path):
    root = DOCS / "reference" / "generated"
    for path, text in generated.items():
        written = tmp_path / "page.md"
        written.write_text(text)
        for link in links(written):
            target, _, anchor = link.partition("#")
            resolved = (root / path).parent.joinpath(target).resolve()
            if resolved.is_relative_to(root):
                assert resolved.relative_to(root).as_posix() in generated, (path, link)
            else:
                assert resolved.is_file(), (path, link)
                assert not anchor or anchor in anchors(resolved), (path, link)


def test_links_of_written_pages_to_generated_ones_lead_to_pages(generated):
    root = DOCS / "reference" / "generated"
    found = 0
    for page in pages():
        for link in links(page):
            resolved = (page.parent / link.partition("#")[0]).resolve()
            if resolved.is_relative_to(root):
                found += 1
                assert resolved.relative_to(root).as_posix() in generated, (page.name, link)
    assert found >= 6


def test_a_name_that_does_not_exist_stays_a_warning(generated):
    reference = import_module("extensions.reference")
    assert reference.exists("bids_dl.store.reader.Store.read")
    assert not reference.exists("bids_dl.store.Shop")
    assert Path(reference.FOLDER).parts == ("reference", "generated")
