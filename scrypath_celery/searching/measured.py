"""How many searches there were and how long they took, in this process's totals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar, cast

from ..errors import ScrypathError
from ..runtime import Runtime

SEARCH, HYDRATED, MISSING = "search", "hydrated", "missing"
"""Names of totals: searches by index, kind and status; hits by index whose record was found, or was not."""
SEVERAL = ""
"""In place of the index of a search in several of them."""

P = ParamSpec("P")
R = TypeVar("R")


def measured(kind: str, *, several: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Count the calls of a function that searches, with their time, and the code of what they raise.

    It is given a Runtime and then, unless it searches `several` classes, the class. It may be a coroutine function.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if iscoroutinefunction(function):

            @wraps(function)
            async def counted_later(*args: Any, **kwargs: Any) -> Any:
                with _counted(args[0], _uid(several, *args), kind):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", counted_later)

        @wraps(function)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            with _counted(cast("Runtime", args[0]), _uid(several, *args), kind):
                return function(*args, **kwargs)

        return counted

    return decorate


def _uid(several: bool, runtime: Any, model: Any, *rest: Any) -> str:
    return SEVERAL if several else str(runtime.schemas.searched(model).uid)


@contextmanager
def _counted(runtime: Runtime, uid: str, kind: str) -> Iterator[None]:
    began, status = time.monotonic(), "ok"
    try:
        yield
    except ScrypathError as exc:
        status = exc.code
        raise
    except BaseException:
        status = "error"
        raise
    finally:
        runtime.totals.observe(SEARCH, uid, kind, status, seconds=time.monotonic() - began)


def count_hits(runtime: Runtime, uid: str, *, found: int, missing: int) -> None:
    """Count hits whose record was found in the database, and those of which there is none."""
    runtime.totals.add(HYDRATED, uid, times=found)
    runtime.totals.add(MISSING, uid, times=missing)
