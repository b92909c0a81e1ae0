"""Programs that tests start as processes of their own: where Python finds the checkout, and what our command is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.zygote import Forked, suits

_CHECKOUT = Path(__file__).parents[1]

OURS = (sys.executable, "-c", "from scrypath_celery.cli import main; main(prog_name='scrypath-celery')")
"""`scrypath-celery`, with the Python of the tests."""


def environment(variables: Mapping[str, str] | None = None, *, folder: Path | None = None) -> dict[str, str]:
    """The environment of the tests with `variables`, in which Python finds `folder` first, and then the checkout."""
    before = [] if folder is None else [str(folder)]
    after = filter(None, [os.environ.get("PYTHONPATH")])
    path = os.pathsep.join([*before, str(_CHECKOUT), *after])
    return {**os.environ, "PYTHONPATH": path, **(variables or {})}


def start(command: Sequence[str], *, fresh: bool = False, **options: Any) -> subprocess.Popen[Any]:
    """Start a program, as `subprocess.Popen` does: Python where possible from a process that has done its imports.

    `fresh` is for programs that patch what others import, and for tests about what a Python does as it starts. All are
    fresh where SCRYPATH_TEST_FRESH is set.
    """
    env = options.get("env") or os.environ
    if fresh or os.environ.get("SCRYPATH_TEST_FRESH") or not suits(command, env):
        return subprocess.Popen(command, **options)
    return Forked(command, **options)


def run(
    command: Sequence[str], *, timeout: float | None = None, input: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does, its output captured as text."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with start(command, **{**streams, **options}) as process:
        try:
            out, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, errors)
