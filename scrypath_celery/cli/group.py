"""The command group; each command is a module that is imported when it is called."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import Any

import click

from .application import AppTarget
from .exit_codes import exit_codes
from .help_lines import LINES
from .suggesting import Suggesting

COMMANDS = {
    "status": "status:status",
    "failed": "failed:failed",
    "retry": "retry:retry",
    "cancel": "cancel:cancel",
    "pause": "pause:pause",
    "resume": "pause:resume",
    "check": "check:check",
    "reconcile": "reconcile:reconcile",
    "verify": "verify:verify",
    "settings": "settings:settings",
    "index": "index:index",
    "backfill": "backfill:backfill",
    "reindex": "reindex:reindex",
    "work": "work:work",
    "trace": "trace:trace",
    "playbooks": "playbooks:playbooks",
    "ledger": "ledger:ledger",
    "exporter": "exporter:exporter",
    "engine": "engine:engine",
    "dev": "dev:dev",
    "demo": "demo:demo",
}
"""Each command, and the module and name where it is."""


HELP = """Keep a Meilisearch index honest: look first, then act.

Exit codes: 0 fine; 1 something could not be read or done; 2 done and differences found (`status --check`, `check`,
`reconcile`, `verify`, `settings diff`, `index contract-drift`, `ledger triggers status`, `trace`), or the retried work
failed (`retry --wait`); 64 a wrong command line.

\b
Shell completion, for bash (or zsh_source, fish_source):
  eval "$(_SCRYPATH_CELERY_COMPLETE=bash_source scrypath-celery)"
"""


class Commands(Suggesting):
    """A group whose commands are imported one by one, so that calling one stays quick."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the group's own part of the command line."""
        with exit_codes():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the command's part of it, and run the command."""
        with exit_codes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(f"{__package__}.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        commands = [(name, _stand_in(name) or self.get_command(ctx, name)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit)) for name, one in commands if one is not None])


def _stand_in(name: str) -> click.Command | None:
    """A command that has only the help's first sentence of the one of this name."""
    return click.Command(name, help=LINES[name]) if name in LINES else None


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-A", "--app", metavar="MODULE", help="The Celery app, as Celery takes it: shop, shop:app, shop:create_app."
)
@click.version_option(package_name="scrypath-celery")
@click.pass_context
def main(ctx: click.Context, app: str | None) -> None:
    """Note which application the command line names; it is loaded by the commands that need it."""
    ctx.obj = AppTarget(name=app, program=f"scrypath-celery -A {shlex.quote(app)}" if app else "scrypath-celery")
