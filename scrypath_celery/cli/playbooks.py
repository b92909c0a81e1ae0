"""`playbooks`: searches that are saved as files: checked, listed, shown and run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from ..operator.serialization import as_json
from ..playbooks.directory import Checked, load, validated
from ..playbooks.playbook import Playbook
from .app_command import operating
from .application import AppTarget
from .console import FINE, NOT_DONE, Console, document, reported
from .given import GIVEN
from .suggesting import Suggesting
from .text import pairs

JSON = click.option("--json", "as_document", is_flag=True, help="One JSON document on stdout, with a version.")
DIRECTORY = click.option(
    "--dir",
    "directory",
    type=GIVEN,
    metavar="DIR",
    envvar="SCRYPATH_PLAYBOOKS",
    help="Instead of the app's playbooks.",
)


@click.group(cls=Suggesting)
def playbooks() -> None:
    """Check, list, show and run saved searches."""


@playbooks.command(epilog="Example: scrypath-celery playbooks validate playbooks --json")
@click.argument("directory", metavar="DIR")
@JSON
@click.pass_context
def validate(ctx: click.Context, directory: str, as_document: bool) -> None:
    """Check every playbook of a directory: each `*.json` in it that is not hidden.

    Needs no application, no engine and no database. Prints a line for each fault, with its file, its place and the
    reason. Exit code 0: no faults; 1: faults, or no such directory.
    """
    with reported("playbooks validate", as_json=as_document):
        checked = validated(Path(directory))
    wrong = [(one, fault) for one in checked for fault in one.faults]
    if as_document:
        files = [{"file": one.file, "valid": not one.faults, "faults": as_json(one.faults)} for one in checked]
        document("playbooks validate", {"directory": directory, "files": files, "faults": len(wrong)})
    else:
        for one, fault in wrong:
            click.echo(f"{one.file}: {fault.place}: {fault.reason}" if fault.place else f"{one.file}: {fault.reason}")
        click.echo(pairs(playbooks=len(checked), with_faults=len({one.file for one, _ in wrong})))
    ctx.exit(NOT_DONE if wrong else FINE)


@playbooks.command("list", epilog="Example: scrypath-celery playbooks list --dir playbooks")
@DIRECTORY
@JSON
@click.pass_context
def list_(ctx: click.Context, directory: str | None, as_document: bool) -> None:
    """List the playbooks, and the files that are none."""
    with reported("playbooks list", as_json=as_document):
        checked = validated(_directory(ctx, directory))
    if as_document:
        document("playbooks list", {"playbooks": [_row(one) for one in checked]})
        return
    for one in checked:
        if one.playbook is None:
            click.echo(f"{one.file}: faults={len(one.faults)} (see playbooks validate)")
        else:
            click.echo(f"{one.playbook.name}: {one.playbook.title or ', '.join(one.playbook.schemas)}")
    if not checked:
        click.echo("No playbooks.")


@playbooks.command(epilog="Example: scrypath-celery playbooks show drafts --dir playbooks")
@click.argument("name")
@DIRECTORY
@JSON
@click.pass_context
def show(ctx: click.Context, name: str, directory: str | None, as_document: bool) -> None:
    """Show what a playbook searches for."""
    with reported("playbooks show", as_json=as_document):
        found = load(_directory(ctx, directory), name)
    if as_document:
        document("playbooks show", {"playbook": as_json(found)})
        return
    click.echo(pairs(name=found.name, mode=found.mode, schemas=",".join(found.schemas), tags=",".join(found.tags)))
    for text in (found.title, found.description):
        if text:
            click.echo(text)
    if found.mode == "search":
        click.echo(f"{found.schema} {found.q!r} {dict(found.opts)}")
        return
    for schema, q, own in found.entries:
        click.echo(f"{schema} {q!r} {dict(own)}")
    click.echo(f"shared {dict(found.opts)}")


@playbooks.command(epilog="Example: scrypath-celery -A shop playbooks run drafts --tenant acme")
@click.argument("name")
@click.option("--dir", "directory", type=GIVEN, metavar="DIR", help="Instead of the app's playbooks.")
@click.option(
    "--tenant", type=GIVEN, metavar="TENANT", help="Whose documents are searched, where schemas have tenants."
)
@click.option("--across-tenants", is_flag=True, help="Search the documents of all tenants.")
@operating
def run(console: Console, name: str, directory: str | None, tenant: str | None, across_tenants: bool) -> int:
    """Run a playbook on the application's engine and database; it reads, and changes nothing.

    Prints the schema, the id and the counts of what is found, never what records hold.
    """
    from ..playbooks.run import run as execute
    from ..searching.many import ManyResult

    playbook = load(Path(directory or console.search.options.playbooks), name)
    with console.search.open_session() as session:
        found = execute(console.runtime, playbook, session=session, tenant=tenant, across_tenants=across_tenants)
        results: list[Any] = list(found.ordered) if isinstance(found, ManyResult) else [found]
        failures = found.failures if isinstance(found, ManyResult) else ()
        answers = [_answer(one) for one in results]
        wrong = [
            {"position": one.position, "schema": one.schema, "code": one.error.code, "reason": one.reason}
            for one in failures
        ]
    console.answer("playbooks run", {"playbook": name, "results": answers, "failures": wrong})
    for one in answers:
        console.say(pairs(schema=one["schema"] or "merged", total=one["total"], missing=len(one["missing"])))
        for hit in one["hits"]:
            console.say(f"  {hit['schema']} {hit['id']}")
    for failure in wrong:
        console.note(f"Error: {failure['schema']}: {failure['reason']}")
    return NOT_DONE if wrong else FINE


def _answer(found: Any) -> dict[str, Any]:
    """A result without what records hold."""
    return {
        "schema": getattr(found, "schema", None),
        "total": found.total,
        "hits": [{"schema": hit.schema, "id": hit.id, "score": hit.score} for hit in found.hits],
        "missing": as_json(found.missing),
        "facets": as_json(getattr(found, "facets", {})),
    }


def _row(one: Checked) -> dict[str, Any]:
    found: Playbook | None = one.playbook
    if found is None:
        return {"file": one.file, "valid": False}
    return {
        "file": one.file,
        "valid": True,
        "name": found.name,
        "mode": found.mode,
        "schemas": list(found.schemas),
        "title": found.title,
        "tags": list(found.tags),
    }


def _directory(ctx: click.Context, given: str | None) -> Path:
    """The directory that is given, else the one of the application; where none is named, `playbooks`."""
    from .application import named

    if given:
        return Path(given)
    target = ctx.find_object(AppTarget)
    assert target is not None
    if target.app is None and target.name is None:
        try:
            named(None, Path.cwd())
        except ConfigError:
            return Path("playbooks")
    return Path(target.load().options.playbooks)
