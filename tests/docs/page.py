"""What is written on a page of the documentation: its blocks, and the marks above them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.imports import ROOT

CHECKOUT = ROOT.parent
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

PYTHON, SHELL, FILES = "python", "sh", ("toml", "json", "yaml", "ini")
OUTPUT = "text"
"""What is printed, and drawings."""

REASONS = {
    "installs": "it installs packages, which the suite is not there for",
    "another test": "a test of its own runs it, or a session of nox",
    "other services": "it needs what the suite does not start: Docker, Kubernetes, systemd, another database, a host",
    "other program": "it is a part of a program that is not shown",
}
"""Why a block may be left out: `<!-- not run: installs -->` above it."""

NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
SETTING = re.compile(r"<!-- (?:begins with|runs with): (.+?) -->")
SETTINGS = {
    "nothing": "the page writes a shop of its own",
    "no classes": "the page declares its classes itself",
    "a worker": "a worker of the shop runs meanwhile",
}
"""What a page may ask for: `<!-- runs with: a worker -->` anywhere on it."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page: `line` is where its text begins, `left_out` why it is not run."""

    language: str
    text: str
    line: int
    left_out: str | None = None


def settings(page: Path) -> set[str]:
    """What a page asks for."""
    return set(SETTING.findall(page.read_text()))


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order, without those that Sphinx makes (`{toctree}` and the like)."""
    above = ""
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "fence" and not token.info.startswith("{"):
            mark = NOT_RUN.search(above)
            assert token.map is not None
            yield Block(
                language=token.info.strip(),
                text=token.content,
                line=token.map[0] + 2,
                left_out=mark and mark.group(1),
            )
        if token.type != "list_item_close":
            above = token.content if token.type == "html_block" else ""
