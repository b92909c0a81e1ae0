"""What stands on the pages works: each block is run, or is marked as not run, with one of a few reasons."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.page import FILES, OUTPUT, PAGES, PYTHON, REASONS, SETTINGS, SHELL, Block, blocks, settings
from tests.docs.walk import walk

PROCESSES = multiprocessing.get_context("forkserver")
"""Each page is walked in a process of its own, forked from one that has imported what pages need."""
PROCESSES.set_forkserver_preload(
    [
        "tests.docs.walk",
        "celery.app.builtins",
        "fakeredis",
        "kombu.transport.redis",
        "scrypath_celery.app",
        "scrypath_celery.engine.engine",
        "scrypath_celery.worker.attach",
    ]
)
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
    log = tmp_path / "log"
    (tmp_path / "page").mkdir()
    walking = PROCESSES.Process(target=_walk, args=(page, tmp_path / "page", log))
    walking.start()
    walking.join(PATIENCE)
    if walking.exitcode is None:
        walking.terminate()
    walking.join()
    assert walking.exitcode == 0, log.read_text()[-12_000:]


def _walk(page: Path, folder: Path, log: Path) -> None:
    with log.open("wb") as out:
        os.dup2(out.fileno(), sys.stdout.fileno())
        os.dup2(out.fileno(), sys.stderr.fileno())
    warnings.simplefilter("error")
    walk(page, folder)


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
