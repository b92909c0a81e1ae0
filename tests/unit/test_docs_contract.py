"""What the pages promise exists, and what scripts may depend on is in the pages.

The reference is made of the code, so that it holds every command, option, code, event and name; what the other pages
name is looked up here.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import scrypath_celery
from scrypath_celery import config, errors, work
from scrypath_celery.arguments import OptionArguments
from scrypath_celery.cli.group import main
from scrypath_celery.declaration.declaration import Declaration
from scrypath_celery.ledger import tables
from scrypath_celery.metrics.families import FAMILIES
from scrypath_celery.testing import plugin
from scrypath_celery.worker import events
from tests.unit.test_docs import CHECKOUT, PAGES, blocks, each_page

FOREIGN = {
    "--address",
    "--basic-auth",
    "--enable-threads",
    "--large",
    "--persistent",
    "--port",
    "--preload",
    "--read-only",
    "--seed",
    "--tasks-columns",
    "--without-gossip",
    "--without-mingle",
}
"""Options in the pages of programs that are not commands of ours: Celery's, Flower's, web servers', the bench's."""

CELERY_EVENTS = {"received", "started", "succeeded", "failed", "rejected", "revoked", "retried", "sent"}


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", CHECKOUT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(CHECKOUT / "docs"))  # as where it is run: it has a part beside it
    spec.loader.exec_module(module)
    return module


GENERATE: Any = _generator()
REFERENCE = sorted(GENERATE.PAGES)


@cache
def known_options() -> frozenset[str]:
    """Every option of every command of ours."""
    commands = [main, *(command for _, command in GENERATE.walk(main))]
    params = [one for command in commands for one in command.params if isinstance(one, click.Option)]
    return frozenset({name for one in params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"})


def test_editors_say_of_an_option_what_the_reference_says() -> None:
    assert GENERATE.texts(OptionArguments) == GENERATE.texts(config.Options)


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    written = CHECKOUT / "docs" / "reference" / name
    assert written.exists(), "python3 -m nox -s reference"
    assert written.read_text() == GENERATE.page(name), "the code has changed since: python3 -m nox -s reference"


def test_the_reference_names_everything() -> None:
    pages = {name: GENERATE.page(name) for name in REFERENCE}
    for path, command in GENERATE.walk(main):
        assert f"## `{' '.join(path)}`" in pages["cli.md"]
        for option in command.params:
            hidden = isinstance(option, click.Argument) or option.hidden
            assert hidden or any(f"`{name}" in pages["cli.md"] for name in option.opts)
    for name in config.NAMES:
        assert re.search(rf"^\| `{name}` \| .* \| \S.* \|$", pages["options.md"], re.MULTILINE), f"what is {name}?"
    for one in GENERATE.error_classes():
        assert f"| `{one.code}` | `{one.__name__}` |" in pages["names.md"]
    for word in (*work.State, *work.Operation, *work.ReasonClass, *events.MEANING):
        assert f"| `{word}` |" in pages["names.md"]


def test_the_reference_explains_every_public_name_and_every_method_of_it() -> None:
    written = GENERATE.page("api.md")
    for name in (*scrypath_celery.__all__, "scrypath_engine", "scrypath_broker", "scrypath_override", "scrypath_drain"):
        assert re.search(rf"^### `{name}`\n\n\S", written, re.MULTILINE), f"what is {name}?"
    public = [name for name in dir(scrypath_celery.Scrypath) if not name.startswith("_")]
    attributes = {"schemas", "celery_app"}
    for name in set(public) - attributes:
        assert re.search(rf"^#### `Scrypath\.{name}\b.*`\n\n\S", written, re.MULTILINE), f"what is Scrypath.{name}?"


def test_the_page_of_schemas_explains_all_that_a_schema_may_say() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (CHECKOUT / "docs" / "declaring-a-schema.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(Declaration.__annotations__) <= named


def test_every_error_has_a_place_in_the_tree_that_the_module_shows() -> None:
    shown = errors.__doc__ or ""
    assert [one.__name__ for one in GENERATE.error_classes() if one.__name__ not in shown] == []


def test_every_exit_code_is_explained() -> None:
    page = (CHECKOUT / "docs" / "operating.md").read_text()
    rows = {int(code) for code in re.findall(r"^\| `?(\d+)`? \|", page.split("## Exit codes")[1].split("##")[0], re.M)}
    assert rows >= set(GENERATE.exit_codes())


def calls(page: Path) -> Iterator[list[str]]:
    """The calls of our program in a page's blocks of shell and in its inline code: what comes after its name."""
    lines = [line for text in blocks(page, "sh", "bash", "console") for line in text.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page.read_text())
    for line in lines:
        found = re.search(r"(?:^|[\s(&;])(?:scrypath-celery|celery (?:-A \S+ )?scrypath)( [^#|&;>]*|$)", f" {line}")
        if found and "..." not in found.group(1):
            yield [word for word in shlex.split(found.group(1).replace("[", " ").replace("]", " ")) if word != "$"]


def refused(words: list[str]) -> str | None:
    """Why our program would not know these words; None where it would."""
    command: click.Command = main
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("--"):
            options = {opt for one in command.params for opt in (*one.opts, *one.secondary_opts)} | {"--help"}
            if name not in options:
                return f"{name} is no option of {command.name}"
        elif isinstance(command, click.Group) and (command is not main or re.fullmatch(r"[a-z][a-z-]*", word)):
            inner = command.get_command(click.Context(command), word)
            if inner is None and words[max(words.index(word) - 1, 0)] in ("-A", "--app"):
                continue  # the name of an application
            if inner is None:
                return f"{word} is no command of {command.name}"
            command = inner
    return None


@each_page
def test_commands_in_a_page_exist_and_take_the_options_that_it_gives(page: Path) -> None:
    assert [reason for reason in map(refused, calls(page)) if reason] == []


@each_page
def test_options_in_a_page_exist(page: Path) -> None:
    spans = re.findall(r"`(--[a-z][a-z-]+)[^`]*`", page.read_text())
    assert sorted(set(spans) - known_options() - FOREIGN) == []


@each_page
def test_variables_and_settings_in_a_page_are_options(page: Path) -> None:
    text = page.read_text()
    variables = {name.lower() for name in re.findall(r"\bSCRYPATH_([A-Z_]+)\b", text)}
    assert {
        one for one in variables if one not in config.NAMES and one != "app" and not one.startswith("test_")
    } == set()
    settings = set(re.findall(r"\bscrypath_([a-z_]+)\b", text)) - {"celery", "alembic_version", "capture"}
    other = {name.removeprefix("scrypath_") for name in (*GENERATE.worker_commands(), *(t.name for t in tables.TABLES))}
    fixtures = {name.removeprefix("scrypath_") for name in vars(plugin) if name.startswith("scrypath_")}
    metrics = {name.removeprefix("scrypath_") for family in FAMILIES.values() for name in (family.name, *family.series)}
    assert settings - set(config.NAMES) - other - fixtures - metrics == set()


@each_page
def test_celery_events_in_a_page_exist(page: Path) -> None:
    named = set(re.findall(r"`(task-[a-z-]+)`", page.read_text()))
    assert named - set(events.MEANING) - {f"task-{name}" for name in CELERY_EVENTS} == set()


def test_the_pages_are_looked_at_and_what_does_not_exist_is_found() -> None:
    assert sum(1 for page in PAGES for _ in calls(page)) > 20
    assert refused(["-A", "shop", "stauts"]) == "stauts is no command of main"
    assert refused(["-A", "shop", "status", "--wrong"]) == "--wrong is no option of status"
    assert refused(["-A", "shop", "work", "601"]) == "601 is no command of work"
    assert refused(["-A", "shop", "status", "--json", "Post"]) is None
