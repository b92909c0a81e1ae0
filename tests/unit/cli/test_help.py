"""What `--help` says: of every command what it does, and an example that can be typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from scrypath_celery.cli.exit_codes import WRONG_COMMAND_LINE
from scrypath_celery.cli.group import main


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[list[str], click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for path, inner in _commands(command, context):
                yield [name, *path], inner
        else:
            yield [name], command


COMMANDS = list(_commands(main, click.Context(main)))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_shows_an_example_that_its_own_parser_takes(path: list[str], command: click.Command) -> None:
    assert command.help
    example = (command.epilog or "").removeprefix("Example: ")
    words = shlex.split(example)
    assert words[0] == "scrypath-celery"
    at = words.index(path[-1])
    assert words[at - len(path) + 1 : at + 1] == path
    command.make_context(path[-1], words[at + 1 :], resilient_parsing=False)


@pytest.mark.parametrize("words", [("statsu",), ("ledger", "upgarde"), ("ledger", "triggers", "instal")])
def test_a_command_that_is_misspelt_is_told_the_nearest(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == WRONG_COMMAND_LINE
    assert "Did you mean" in done.output
