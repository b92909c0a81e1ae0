"""Type checkers know what an application may write, and name what it may not."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORRECT = [HERE / "searches.py", HERE / "correct_application.py"]
MISTAKEN = HERE / "mistaken_application.py"
CHECKERS = {
    "mypy": ("mypy", "--strict", "--warn-unused-ignores"),
    "pyright": ("pyright", "--pythonpath", sys.executable),
}

checker = pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            id=name,
            marks=pytest.mark.skipif(
                find_spec(name) is None, reason=f"{name} is not installed: it comes with the extra 'types'"
            ),
        )
        for name, command in CHECKERS.items()
    ],
)


def checked(command: tuple[str, ...], *files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command, *map(str, files)], capture_output=True, text=True)


@checker
def test_a_correct_application_has_nothing_to_mend(command: tuple[str, ...]) -> None:
    done = checked(command, *CORRECT)
    assert done.returncode == 0, done.stdout + done.stderr


@checker
def test_each_mistake_is_named_and_nothing_else(command: tuple[str, ...]) -> None:
    lines = MISTAKEN.read_text().splitlines()
    mistakes = {number for number, line in enumerate(lines, start=1) if line.endswith("# mistake")}
    told = checked(command, MISTAKEN).stdout
    named = {int(line) for line in re.findall(r"mistaken_application\.py:(\d+):.*error", told)}
    assert len(mistakes) == 27
    assert named == mistakes, told
