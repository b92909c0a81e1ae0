"""Programs that tests start as processes of their own: where Python finds the checkout, and what our command is."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_CHECKOUT = Path(__file__).parents[1]

OURS = (sys.executable, "-c", "from scrypath_celery.cli import main; main(prog_name='scrypath-celery')")
"""`scrypath-celery`, with the Python of the tests."""


def environment(variables: Mapping[str, str] | None = None, *, folder: Path | None = None) -> dict[str, str]:
    """The environment of the tests with `variables`, in which Python finds `folder` first, and then the checkout."""
    before = [] if folder is None else [str(folder)]
    after = filter(None, [os.environ.get("PYTHONPATH")])
    path = os.pathsep.join([*before, str(_CHECKOUT), *after])
    return {**os.environ, "PYTHONPATH": path, **(variables or {})}
