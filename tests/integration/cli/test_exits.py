"""How commands exit where the command line is wrong, or the answer cannot be written; and what shells complete."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

from scrypath_celery.work import State
from tests.integration.cli.conftest import Run
from tests.integration.operator.conftest import write
from tests.processes import OURS, environment
from tests.processes import run as program
from tests.shop import Shop

FULL = Path("/dev/full")


Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(shop: Shop) -> Start:
    """Run the program as a shell does: `start("failed", stdout=..., **variables)`; stdout None is closed."""

    def started(
        *arguments: str, stdout: int | None = subprocess.PIPE, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        command = [*OURS, *arguments]
        if stdout is None:
            command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
        env = environment({**shop.setup.env(), "SCRYPATH_APP": "tests.shop_app", **variables})
        return program(command, env=env, stdout=stdout, timeout=60)

    return started


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("failed", "--nothing"),
        ("failed", "--since", "soon"),
        ("failed", "--since", "99999999999d"),
        ("failed", "--limit", "0"),
        ("failed", "--state", "lost"),
        ("failed", "Post", "Author"),
        ("work", "nothing"),
        ("work", "show", "x"),
        ("settings", "diff", "--nothing"),
        ("cancel", "--id", "-1"),
        ("retry", "--id", "1", "--id", "2"),
        ("status", "--timeout", "inf"),
        ("status", "--timeout", "nan"),
        ("status", "--check", "--max-age", "nan"),
        ("check", "--wait", "1e300"),
        ("retry", "--id", "1", "--wait", "nan"),
        ("engine", "--batch-cost", "-1"),
    ],
)
def test_a_wrong_command_line_exits_64_and_never_as_a_difference(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (64, "")
    assert "Error: " in result.stderr


@pytest.mark.parametrize("command", [("verify",), ("settings", "diff"), ("reconcile", "--action", "backfill")])
def test_a_scope_of_several_schemas_is_a_wrong_command_line(run: Run, shop: Shop, command: tuple[str, ...]) -> None:
    class Author(declarative_base()):  # type: ignore[misc]
        __tablename__ = "authors"
        id = Column(Integer, primary_key=True)
        name = Column(String(20))

    shop.search.schema(fields=["name"])(Author)
    result = run(*command)
    assert (result.exit_code, result.stdout) == (64, "")
    assert "several schemas are declared, name one: Post, Author" in result.stderr


def test_a_wrong_command_line_exits_64_inside_celerys_own_command_too(start: Start, shop: Shop) -> None:
    command = [sys.executable, "-m", "celery", "-A", "tests.shop_app", "scrypath", "failed", "--nothing"]
    env = {**os.environ, **shop.setup.env()}
    assert program(command, env=env, timeout=60).returncode == 64


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [("--help",), ("failed",)])
def test_an_answer_that_a_full_disk_does_not_take_is_one_line_and_exits_1(
    start: Start, arguments: tuple[str, ...]
) -> None:
    with FULL.open("w") as full:
        done = start(*arguments, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (
        1,
        "Error: the answer could not be written (No space left on device)\n",
    )


def test_an_answer_into_a_closed_pipe_is_one_line_and_exits_1(start: Start) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = start("failed", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "Error: the answer could not be written (Broken pipe)\n")


@pytest.mark.parametrize("arguments", [("status",), ("retry", "--id", "1")])
def test_without_a_standard_output_nothing_is_begun(start: Start, shop: Shop, arguments: tuple[str, ...]) -> None:
    write(shop, State.FAILED)
    done = start(*arguments, stdout=None)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: the answer could not be written (standard output is closed)\n",
    )
    assert [work.state for work in shop.works()] == [State.FAILED]


@pytest.mark.parametrize("arguments", [("retry", "--id", "1"), ("pause", "Post", "--reason", "a move")])
def test_a_ledger_that_another_process_locks_is_one_line_that_says_so(
    start: Start, shop: Shop, arguments: tuple[str, ...]
) -> None:
    write(shop, State.FAILED)
    shop.close()
    with closing(sqlite3.connect(str(shop.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = start(*arguments, "--timeout", "8")
        told = start(*arguments, "--timeout", "8", "--json")
    [line] = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert "is locked: another process has a transaction open on it" in line
    assert json.loads(told.stdout)["error"]["code"] == "ledger_locked"


@pytest.mark.parametrize(("words", "expected"), [("failed P", ["Post"]), ("work list ", ["Post"]), ("status X", [])])
def test_shells_complete_the_names_of_schemas(start: Start, words: str, expected: list[str]) -> None:
    line = f"scrypath-celery {words}"
    count = len(line.split()) - (0 if line.endswith(" ") else 1)
    done = start(_SCRYPATH_CELERY_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(count))
    assert done.stdout.split() == [f"plain,{name}" for name in expected], done.stderr


def test_completion_of_an_application_that_is_not_there_says_nothing(start: Start) -> None:
    words = {"COMP_WORDS": "scrypath-celery failed P", "COMP_CWORD": "2", "SCRYPATH_APP": "no.such.module"}
    done = start(_SCRYPATH_CELERY_COMPLETE="bash_complete", **words)
    assert (done.stdout.strip(), done.stderr) == ("", "")
