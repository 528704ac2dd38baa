"""Number of threads of the libraries for linear algebra."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let each library compute with one thread inside the context.

    This holds for the libraries that are loaded when the context begins.
    """
    with _loaded_libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _loaded_libraries(n_modules: int) -> ThreadpoolController:  # noqa: ARG001
    """Find the libraries of this process, again if modules were imported since the last call.

    To search all libraries takes milliseconds, as long as a step of a recipe.
    """
    return ThreadpoolController()
