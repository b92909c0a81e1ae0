"""What stands on the pages works: each block is run, or is marked as not run, with one of a few reasons."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.page import CHECKOUT, FILES, OUTPUT, PAGES, PYTHON, REASONS, SETTINGS, SHELL, Block, blocks, settings


def run(block: Block) -> bool:
    """Whether there is anything to run in a block."""
    return block.left_out is None and block.language != OUTPUT


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
LEFT_OUT = {"installs": 2, "another test": 10, "other services": 6, "other program": 2}
"""How many blocks are not run, by reason: who leaves out another one says so here."""


@pytest.mark.parametrize("page", [one for one in PAGES if any(map(run, blocks(one)))], ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_their_order(page: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.docs.walk", str(page), str(tmp_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]


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
