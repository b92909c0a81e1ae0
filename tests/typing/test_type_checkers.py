"""Type checkers know what searches give, and refuse what they do not take."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

READ = Path(__file__).parent / "searches.py"


def checked(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command, str(READ)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed: it comes with the extra 'types'")
def test_mypy_knows_the_types_of_searches() -> None:
    checked("mypy", "--strict", "--warn-unused-ignores")


@pytest.mark.skipif(find_spec("pyright") is None, reason="pyright is not installed: it comes with the extra 'types'")
def test_pyright_knows_the_types_of_searches() -> None:
    checked("pyright", "--pythonpath", sys.executable)
