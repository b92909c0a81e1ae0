"""Run the demo on a terminal of 100 columns, and draw what it printed as docs/pictures/demo.svg.

python3 -m pip install -e ".[demo,docs]"
python3 docs/pictures/record.py
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS, ROWS = 100, 40
PICTURE = Path(__file__).parent / "demo.svg"
COMMAND = [sys.executable, "-c", "from scrypath_celery.cli import main; main(prog_name='scrypath-celery')", "demo"]
REDRAWN = re.compile(r"[^\n]*\r(?:\x1b\[K)?(?!\n)")
"""A line of progress that the next one replaced."""
FONTS = re.compile(r"@font-face \{\{.*?\n    \}\}\n", re.DOTALL)
"""Fonts that the drawing would load from elsewhere: any fixed-width font does."""


def printed(command: list[str]) -> str:
    """What a command prints on a terminal, as it stands there at the end."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        found = bytearray()
        while chunk := _read(ours):
            found += chunk
    if process.returncode:
        raise SystemExit(found.decode(errors="replace"))
    return REDRAWN.sub("", found.decode().replace("\r\n", "\n"))


def _read(file: int) -> bytes:
    try:
        return os.read(file, 65536)
    except OSError:  # Linux's way to say that the other side has closed it
        return b""


def draw(text: str) -> str:
    """A terminal with this text, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ scrypath-celery demo\n{text}"))
    default = sys.modules["rich.console"].CONSOLE_SVG_FORMAT
    drawn: str = console.export_svg(title="scrypath-celery demo", theme=MONOKAI, code_format=FONTS.sub("", default))
    return drawn


if __name__ == "__main__":
    PICTURE.write_text(draw(printed(COMMAND)))
