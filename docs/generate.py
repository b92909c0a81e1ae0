"""The pages of docs/reference, made of the code: `python3 -m nox -s reference` writes them, a test compares them."""

from __future__ import annotations

import ast
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import click
from generate_api import api, texts
from remedies import REMEDIES

from scrypath_celery import config, errors, logs, option_checks, signals, work
from scrypath_celery.cli.exit_codes import MEANINGS
from scrypath_celery.cli.group import main as commands
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.rebuild.phases import Phase

FOLDER = Path(__file__).parent / "reference"
OPTIONS = (
    "Each of them is an argument of `Scrypath(...)`, an environment variable, and a setting of the Celery app: `queue`,"
    " `SCRYPATH_QUEUE` and `scrypath_queue`. A command's flag beats an argument, which beats a variable, which beats a"
    " setting. Times are in seconds, sizes in bytes. A variable holds a list with commas between its parts. What an"
    " option cannot be is refused at first use, with a `ConfigError`."
)
NOTE = "<!-- Made of the code: python3 -m nox -s reference -->"


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def summary(thing: Any) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its path, groups before what is in them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


def cli() -> str:
    """All commands."""
    parts = [
        "# Commands",
        "As `scrypath-celery -A shop COMMAND`, or `celery -A shop scrypath COMMAND`. Exit codes are in [](names.md).",
        "## Before the command",
        table(("option", "meaning"), map(_parameter, _shown(commands))),
    ]
    for path, command in walk(commands):
        name = " ".join(path)
        parts += [f"## `{name}`", *_help(command)]
        if not isinstance(command, click.Group):
            arguments = " ".join(_metavar(one) for one in command.params if isinstance(one, click.Argument))
            parts.append(f"`scrypath-celery {name} {arguments}`".replace(" `", "`"))
        rows = list(map(_parameter, _shown(command)))
        if rows:
            parts.append(table(("option", "meaning"), iter(rows)))
        if command.epilog:
            kind, _, example = command.epilog.partition(": ")
            parts.append(f"{kind}: `{example}`")
    return "\n\n".join(parts)


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):
            yield "```text\n" + paragraph.lstrip("\b\n") + "\n```"
        else:
            yield " ".join(paragraph.split()).replace("<", "\\<")


def _shown(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _parameter(option: click.Option) -> tuple[str, str]:
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    names = ", ".join(f"`{name}{value}`" for name in (*option.opts, *option.secondary_opts))
    told = " ".join((option.help or "").split()).replace("<", "\\<")
    if option.show_default and option.default is not None and not callable(option.default):
        told += f" Default: `{option.default}`."
    if isinstance(option.type, click.IntRange) and option.type.min is not None:
        most = option.type.max
        told += f" {option.type.min} or more." if most is None else f" From {option.type.min} to {most}."
    return names, told.strip()


def _metavar(parameter: click.Parameter) -> str:
    if parameter.metavar:
        return parameter.metavar
    if isinstance(parameter.type, click.Choice):
        return "|".join(map(str, parameter.type.choices))
    if isinstance(parameter, click.Argument):
        shown = (parameter.name or "").upper()
        return shown if parameter.required else f"[{shown}]"
    return parameter.type.name.upper().removesuffix(" RANGE")


def options() -> str:
    """All options of the configuration."""
    told = texts(config.Options)
    defaults, kinds = config.Options(), get_type_hints(config.Options)
    rows = (
        (
            f"`{name}`",
            f"`SCRYPATH_{name.upper()}`",
            option_checks.wanted(name, kinds[name]),
            f"`{getattr(defaults, name)!r}`",
            told.get(name, ""),
        )
        for name in config.NAMES
    )
    return "\n\n".join(
        (
            "# Options",
            OPTIONS,
            table(("option", "variable", "may be", "default", "meaning"), rows),
        )
    )


def signal_rows() -> Iterator[tuple[str, ...]]:
    """The signals, what they say, and the first paragraph of what each means."""
    body = ast.parse(inspect.getsource(signals)).body
    for item, after in pairwise(body):
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name) and isinstance(after, ast.Expr):
            assert isinstance(after.value, ast.Constant)
            name, text = item.targets[0].id, str(after.value.value).split("\n\n")[0]
            said = ", ".join(f"`{one}`" for one in sorted(getattr(signals, name).providing_args))
            yield f"`{name}`", said, " ".join(text.split())


def line_rows() -> Iterator[tuple[str, ...]]:
    """The log lines, their levels and texts."""
    for event, line in logs.LINES.items():
        yield f"`{event}`", logging.getLevelName(line.level), f"`{line.text}`"


def exit_codes() -> dict[int, str]:
    """The exit codes of commands, and what they mean."""
    return dict(sorted(MEANINGS.items()))


def error_classes(base: type[errors.ScrypathError] = errors.ScrypathError) -> Iterator[type[errors.ScrypathError]]:
    """The classes of the tree of errors, each once, in the order of their definition."""
    for thing in vars(errors).values():
        if isinstance(thing, type) and issubclass(thing, base):
            yield thing


def worker_commands() -> dict[str, str]:
    """The commands of `celery inspect` and `celery control`, and what they do."""
    from celery.worker.control import Panel

    from scrypath_celery.worker import inspect as ours

    return {
        name: f"`celery {found.type} {name}{f' {found.signature}' if found.signature else ''}`: {found.help}"
        for name, found in Panel.meta.items()
        if hasattr(ours, name)
    }


def names() -> str:
    """Everything else that scripts and screens depend on."""
    from scrypath_celery.worker import events, messages

    tasks = {
        messages.SYNC: "Runs what is ready of one index.",
        messages.RELAY: "Makes a pass of the relay; sends no events.",
    }
    sections: list[tuple[str, tuple[str, ...], Iterator[tuple[str, ...]]]] = [
        ("Exit codes", ("code", "meaning"), ((f"`{code}`", name) for code, name in exit_codes().items())),
        (
            "Errors",
            ("`code`", "class", "when", "what to do"),
            ((f"`{one.code}`", f"`{one.__name__}`", summary(one), REMEDIES[one.__name__]) for one in error_classes()),
        ),
        ("States of a work", ("state",), ((f"`{one.value}`",) for one in work.State)),
        ("Operations", ("operation",), ((f"`{one.value}`",) for one in work.Operation)),
        ("Reason classes", ("class",), ((f"`{one.value}`",) for one in work.ReasonClass)),
        ("Signals of a report", ("signal",), ((f"`{one.value}`",) for one in Signal)),
        ("Signals that are sent", ("signal", "says", "meaning"), signal_rows()),
        ("Log lines", ("event", "level", "text"), line_rows()),
        ("Phases of a rebuild", ("phase",), ((f"`{one.value}`",) for one in Phase)),
        ("Celery tasks", ("task", "meaning"), ((f"`{name}`", told) for name, told in tasks.items())),
        (
            "Events beside Celery's own",
            ("event", "meaning"),
            ((f"`{name}`", told) for name, told in events.MEANING.items()),
        ),
        (
            "Commands to workers",
            ("command", "meaning"),
            ((f"`{name}`", told) for name, told in worker_commands().items()),
        ),
    ]
    parts = ["# Names", "What scripts may depend on; the words are explained in the [glossary](../glossary.md)."]
    for title, head, rows in sections:
        parts += [f"## {title}", table(head, rows)]
    return "\n\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {"cli.md": cli, "options.md": options, "names.md": names, "api.md": api}
"""Each page, and what makes it."""


def page(name: str) -> str:
    """The text of a page."""
    return f"{NOTE}\n\n{PAGES[name]()}\n"


def main() -> int:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(page(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
