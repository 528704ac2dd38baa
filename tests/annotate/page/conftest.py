"""Fixture: one browser for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from annotate.page.browser import open_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window.

    A module has its own, because asyncio.run fails in other tests while playwright runs.
    """
    with open_browser() as browser:
        yield browser
