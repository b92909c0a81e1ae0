"""What stands on the pages works: each block is run, or is marked as not run, with one of a few reasons."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.page import FILES, OUTPUT, PAGES, PYTHON, REASONS, SETTINGS, SHELL, Block, blocks, settings
from tests.processes import environment, start

PATIENCE = 240.0
"""Seconds that a page may take."""


def run(block: Block) -> bool:
    """Whether there is anything to run in a block."""
    return block.left_out is None and block.language != OUTPUT


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
LEFT_OUT = {"installs": 2, "another test": 10, "other services": 6, "other program": 2}
"""How many blocks are not run, by reason: who leaves out another one says so here."""


WALKED = [one for one in PAGES if any(map(run, blocks(one))) and one.name != "quickstart.md"]
"""The quickstart has a test of its own, which looks at what it prints too: tests/acceptance/test_quickstart.py."""


@pytest.mark.parametrize("page", WALKED, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_their_order(page: Path, tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "page"
    folder.mkdir()
    command = [sys.executable, "-c", "from tests.docs.walk import main; main()", str(page), str(folder)]
    with log.open("wb") as out, start(command, stdout=out, stderr=out, env=environment()) as walking:
        try:
            walking.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            walking.terminate()
    assert walking.returncode == 0, log.read_text()[-12_000:]


@each_page
def test_every_block_says_in_which_language_it_is(page: Path) -> None:
    known = {PYTHON, SHELL, OUTPUT, *FILES}
    assert [(one.line, one.language) for one in blocks(page) if one.language not in known and not one.left_out] == []


@each_page
def test_a_page_asks_for_what_there_is(page: Path) -> None:
    assert settings(page) <= set(SETTINGS)


def test_blocks_that_are_not_run_are_counted_by_reason() -> None:
    found = Counter(one.left_out for page in PAGES for one in blocks(page) if one.left_out)
    assert set(LEFT_OUT) == set(REASONS)
    assert found == LEFT_OUT
