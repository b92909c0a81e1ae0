"""The order of the tests: what takes long begins first, on every worker of xdist, so that none is left with it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

LONG_FIRST: Sequence[str] = (
    "acceptance/test_demo.py",
    "docs/test_pages.py",
    "convergence/test_convergence.py",
    "acceptance/test_quickstart.py",
    "rebuild/test_model.py",
    "acceptance/test_examples.py",
    "chaos/test_chaos.py",
    "integration/cli/test_inspect.py",
    "acceptance/",
    "chaos/",
    "integration/poison/",
    "integration/worker/test_hanging.py",
    "integration/test_services.py",
    "integration/testing/test_plugin.py",
)
"""Beginnings of paths, the longest first."""


def arrange(items: list[pytest.Item]) -> None:
    """Put long tests first; with xdist, at the head of the part that each worker begins with."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers < 2:
        return  # one after the other, the order changes nothing
    slow = sorted((item for item in items if _place(item) is not None), key=lambda item: _place(item) or 0)
    rest = [item for item in items if _place(item) is None]
    share = len(items) // workers
    arranged: list[pytest.Item] = []
    for worker in range(workers):
        own = slow[worker::workers]
        taken = max(share - len(own), 0) if worker < workers - 1 else len(rest)
        arranged += own + rest[:taken]
        del rest[:taken]
    items[:] = arranged


def _place(item: pytest.Item) -> int | None:
    path = item.nodeid.removeprefix("tests/")
    return next((place for place, start in enumerate(LONG_FIRST) if path.startswith(start)), None)
