"""Values on the command line that say nothing are refused, and none of them means `all`."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from scrypath_celery.cli.exit_codes import WRONG_COMMAND_LINE
from scrypath_celery.cli.given import Given
from scrypath_celery.cli.group import main
from tests.unit.cli.test_help import COMMANDS

MAY_BE_EMPTY = {"--index-prefix"}
"""An empty prefix is one that says something: none, instead of the application's."""


def options(kind: type[click.types.StringParamType | click.types.IntParamType]) -> list[tuple[str, str]]:
    """The commands and their options that take a value of this kind."""
    found = [(" ".join(path), one) for path, command in COMMANDS for one in command.params]
    return [(path, one.opts[0]) for path, one in found if isinstance(one, click.Option) and isinstance(one.type, kind)]


def told(*words: str) -> str:
    """What a wrong command line is told."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == WRONG_COMMAND_LINE, done.output
    return done.output


def test_every_text_on_the_command_line_must_say_something() -> None:
    texts = options(click.types.StringParamType)
    assert texts
    assert {one for one in texts if one[1] not in MAY_BE_EMPTY} == set(options(Given))


@pytest.mark.parametrize("words", [("backfill", "--ids", ""), ("retry", "--code", " "), ("dev", "--data", "")])
def test_a_variable_of_the_shell_that_is_not_set_does_nothing(words: tuple[str, ...]) -> None:
    assert "must not be empty" in told("-A", "nothing", *words)


def test_a_list_of_ids_has_one_between_two_commas() -> None:
    assert "there is nothing between two commas" in told("-A", "nothing", "backfill", "--ids", "1,,2")


@pytest.mark.parametrize(("command", "option"), options(click.types.IntParamType))
def test_no_number_may_be_below_zero(command: str, option: str) -> None:
    assert f"Invalid value for '{option}'" in told("-A", "nothing", *command.split(), option, "-1")
