"""The list of commands, which is shown without importing them."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from scrypath_celery.cli.group import COMMANDS, main
from scrypath_celery.cli.help_lines import LINES


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_what_its_own_help_begins_with(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert LINES[name] == (command.help or "").split("\n\n")[0]


def test_the_help_lists_every_command_and_loads_no_sqlalchemy_celery_or_client() -> None:
    code = (
        "import json, sys\n"
        "from scrypath_celery.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown, loaded = done.stdout.splitlines()[:-1], set(json.loads(done.stdout.splitlines()[-1]))
    for name in COMMANDS:
        assert any(line.strip().startswith(f"{name} ") for line in shown), name
    assert sorted({"sqlalchemy", "celery", "meilisearch", "requests", "scrypath_celery.app"} & loaded) == []
