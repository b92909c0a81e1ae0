"""An application with an Alembic of its own: a folder of migrations, and what its `env.py` says."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table

from scrypath_celery.ledger.autogenerate import include_name

ENV = """
from alembic import context
configuration = context.config.attributes
context.configure(connection=configuration["connection"], **configuration["options"])
with context.begin_transaction():
    context.run_migrations()
"""
TEMPLATE = """
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades}
def downgrade():
    ${downgrades}
"""

metadata = MetaData()
post = Table("post", metadata, Column("id", Integer, primary_key=True), Column("title", String(200), nullable=False))


class Project:
    """The application's Alembic: `extra` stands in its `target_metadata`, `hook` says whether it has our hook."""

    def __init__(self, folder: Path, engine: Engine, *, extra: MetaData | None = None, hook: bool = False) -> None:
        self.engine = engine
        self.folder = folder / "migrations"
        (self.folder / "versions").mkdir(parents=True)
        (self.folder / "env.py").write_text(ENV)
        (self.folder / "script.py.mako").write_text(TEMPLATE)
        self.target = [metadata] if extra is None else [metadata, extra]
        self.options: dict[str, object] = {"compare_type": True, "compare_server_default": True}
        self.options |= {"include_name": include_name} if hook else {}

    def upgrade(self) -> None:
        """Write a migration for what is missing, and run it."""
        with self.engine.begin() as connection:
            options = {"target_metadata": self.target, **self.options}
            config = Config(attributes={"connection": connection, "options": options})
            config.set_main_option("script_location", str(self.folder))
            command.revision(config, "what is missing", autogenerate=True)
            command.upgrade(config, "head")

    def proposes(self) -> list[object]:
        """What its autogenerate would change."""
        with self.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=dict(self.options))
            found: list[object] = compare_metadata(context, self.target)  # type: ignore[arg-type]
        return found

    def revision(self) -> str | None:
        """The revision that the application's own table of versions names."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def head(self) -> str | None:
        """The newest revision in its folder."""
        return ScriptDirectory(str(self.folder)).get_current_head()
