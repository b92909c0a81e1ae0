"""Commands of ours in the process of the tests."""

from __future__ import annotations

import inspect
from typing import Any

from click.testing import CliRunner, Result

from scrypath_celery.cli import main

# Releases of click before 8.2 mix what is said on the two streams, unless they are told not to.
_APART: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


def invoke(*arguments: str) -> Result:
    """What `scrypath-celery` says to these arguments, `stdout` and `stderr` apart."""
    return CliRunner(**_APART).invoke(main, arguments)
