"""The ledger's tables. There are no foreign keys between them: they would make our claims wait for the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    literal_column,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..work import ENDED, READY, State


class Json(TypeDecorator[Any]):
    """A JSON value in a text column: the same on every database, and never queried inside."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # Not adapted to the driver's own string type: the DDL would say VARCHAR.
        if dialect.name not in ("mysql", "mariadb"):
            return Text()
        from sqlalchemy.dialects.mysql import MEDIUMTEXT

        return MEDIUMTEXT()

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return encoded(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def encoded(value: Any) -> str | None:
    """A value as a `Json` column holds it."""
    return None if value is None else orjson.dumps(value).decode()


def _word(length: int) -> TypeEngine[str]:
    # Index uids and tokens are compared to the letter, also where the database's default collation ignores case.
    # The collation says the character set, too.
    return String(length).with_variant(String(length, collation="ascii_bin"), "mysql", "mariadb")


metadata = MetaData()

work = Table(
    "scrypath_work",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("index_uid", _word(400), nullable=False),
    Column("operation", _word(16), nullable=False),
    Column("ids", Json, nullable=False),
    Column("remaining", Json),
    Column("documents", Integer, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("mode", _word(16), nullable=False),
    Column("state", _word(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claims", Integer, nullable=False, default=0),
    Column("reason_class", _word(32)),
    Column("reason", String(500)),
    Column("error_code", _word(64)),
    Column("task_id", String(64)),
    Column("claim_token", _word(32)),
    Column("claim_number", BigInteger),
    Column("worker", String(200)),
    Column("engine_uids", Json),
    Column("history", Json),
    Column("trial", _word(40)),
    Column("created_at", Double, nullable=False),
    Column("publish_after", Double, nullable=False),
    Column("available_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("rebuild_id", BigInteger),
    Column("fan_out", String(255)),
    Column("cursor", Json),
    Column("traceparent", _word(55)),
)

Index("ix_scrypath_work_ready", work.c.state, work.c.index_uid, work.c.priority, work.c.available_at, work.c.id)
Index("ix_scrypath_work_due", work.c.state, work.c.index_uid, work.c.publish_after)
Index("ix_scrypath_work_unfinished", work.c.state, work.c.index_uid, work.c.created_at)
Index("ix_scrypath_work_ended", work.c.state, work.c.index_uid, work.c.finished_at, work.c.id)
Index(
    "ix_scrypath_work_failed",
    work.c.state,
    work.c.index_uid,
    work.c.reason_class,
    work.c.error_code,
    work.c.finished_at,
    work.c.id,
)
Index("ix_scrypath_work_claim_number", work.c.index_uid, work.c.claim_number)
Index("ix_scrypath_work_trial", work.c.index_uid, work.c.trial)
Index("ix_scrypath_work_rebuild", work.c.rebuild_id, work.c.state)
Index("ix_scrypath_work_fan_out", work.c.fan_out)


def in_state(*states: State) -> ColumnElement[bool]:
    """The criterion that a work is in one of these states, written out in the statement.

    A prepared statement may be planned once for all values of its parameters: with a parameter in place of the state
    PostgreSQL could not tell that a partial index holds what is asked for.
    """
    return among(work.c.state, states)


def among(column: ColumnElement[str], words: Sequence[StrEnum]) -> ColumnElement[bool]:
    """The criterion that a column holds one of these words of ours, written out in the statement once and for all."""
    written: list[ColumnElement[str]] = [literal_column(f"'{word.value}'", String) for word in words]
    return column == written[0] if len(written) == 1 else column.in_(written)


claim = Table(
    "scrypath_claim",
    metadata,
    Column("token", _word(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("index_uid", _word(400), nullable=False),
    Column("target", _word(400)),
    Column("state", _word(16), nullable=False),
    Column("worker", String(200)),
    Column("lease_until", Double, nullable=False),
    Column("ids", Json, nullable=False),
    Column("engine_uids", Json, nullable=False),
    Column("unanswered", Integer, nullable=False, default=0),
    Column("seen_uid", BigInteger),
    Column("watch_until", Double),
    Column("stuck_id", _word(511)),
    Column("stuck_since", Double),
    Column("created_at", Double, nullable=False),
)
Index("ix_scrypath_claim_number", claim.c.index_uid, claim.c.number)
Index("ix_scrypath_claim_state", claim.c.state, claim.c.lease_until)

index = Table(
    "scrypath_index",
    metadata,
    Column("index_uid", _word(400), primary_key=True),
    Column("last_number", BigInteger, nullable=False, default=0),
    Column("paused_until", Double),
    Column("paused_since", Double),
    Column("pauses", Integer, nullable=False, default=0),
    Column("pause_class", _word(32)),
    Column("pause_scope", _word(16)),
    Column("pause_reason", String(500)),
    Column("hand_paused_since", Double),
    Column("hand_paused_by", String(200)),
    Column("hand_pause_reason", String(500)),
    Column("exclusive_token", _word(32)),
    Column("exclusive_until", Double),
    Column("rebuild", Json),
    Column("fingerprint", _word(64)),
    Column("declared", Json),
    Column("engine_uid", _word(400)),
    Column("high_uid", BigInteger),
    Column("hot_applied", Json),
    Column("verified", Json),
    Column("high_token", _word(64)),
    Column("lost_since", Double),
    Column("relayed_at", Double),
)

rebuild = Table(
    "scrypath_rebuild",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("index_uid", _word(400), nullable=False),
    Column("operation", _word(16), nullable=False),
    Column("phase", _word(16), nullable=False),
    Column("mode", _word(16), nullable=False),
    Column("target", _word(400)),
    Column("target_created", String(64)),
    Column("target_uid", BigInteger),
    Column("renaming", _word(400)),
    Column("tried", Integer, nullable=False, default=0),
    Column("fingerprint", _word(64), nullable=False),
    Column("noted", BigInteger, nullable=False),
    Column("catching", BigInteger),
    Column("rollback_from", BigInteger),
    Column("rounds", Integer, nullable=False, default=0),
    Column("ranges", Json, nullable=False),
    Column("options", Json, nullable=False),
    Column("counts", Json, nullable=False),
    Column("blocked", Json, nullable=False),
    Column("reason", String(500)),
    Column("asked_by", String(200)),
    Column("followed_until", Double),
    Column("owner", String(200)),
    Column("epoch", BigInteger, nullable=False, default=0),
    Column("lease_until", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("keep_until", Double),
    Column("finished_at", Double),
)
Index("ix_scrypath_rebuild_index", rebuild.c.index_uid, rebuild.c.id)

ledger = Table(
    "scrypath_ledger",
    metadata,
    Column("id", _word(32), primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("relayed_at", Double, nullable=False, default=0.0),
    Column("publish_failed_at", Double),
    Column("publish_failure", String(500)),
    Column("capture_off", Integer, nullable=False, server_default="0"),
)

worker = Table(
    "scrypath_worker",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("seen_at", Double, nullable=False),
    Column("kind", _word(16), nullable=False, server_default="worker"),
    Column("sends_to", Json),
)

scheduled = Table(
    "scrypath_scheduled",
    metadata,
    Column("work_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("index_uid", _word(400), nullable=False),
    Column("document_id", _word(511), nullable=False),
    Column("due_at", Double, nullable=False),
)
Index("ix_scrypath_scheduled_document", scheduled.c.index_uid, scheduled.c.document_id)
Index("ix_scrypath_scheduled_due", scheduled.c.index_uid, scheduled.c.due_at)

total = Table(
    "scrypath_total",
    metadata,
    Column("index_uid", _word(400), primary_key=True),
    Column("name", _word(32), primary_key=True),
    Column("label", _word(32), primary_key=True),
    Column("times", BigInteger, nullable=False),
    Column("amount", Double, nullable=False),
)

TABLES = (work, claim, index, rebuild, scheduled, ledger, worker, total)

_READY = work.c.state.in_([state.value for state in READY])

# Partial on PostgreSQL alone: SQLite takes a partial index only for statements that repeat its condition to the letter.
_PARTIAL: Mapping[str, ColumnElement[bool]] = {
    "ix_scrypath_work_ready": _READY,
    "ix_scrypath_work_due": _READY,
    "ix_scrypath_work_unfinished": work.c.state.not_in((State.SUCCEEDED.value, State.CANCELLED.value)),
    "ix_scrypath_work_ended": work.c.state.in_([state.value for state in ENDED]),
    "ix_scrypath_work_failed": work.c.state == State.FAILED.value,
    "ix_scrypath_work_trial": work.c.trial.is_not(None),
    "ix_scrypath_work_rebuild": work.c.rebuild_id.is_not(None),
    "ix_scrypath_work_fan_out": work.c.fan_out.is_not(None),
}
# A single state is written alike in the statements, so that SQLite can have it partial too.
_PARTIAL_ON_SQLITE = ("ix_scrypath_work_failed",)
_NEVER_REUSED = (work.name, rebuild.name)
"""Tables whose ids are none that a deleted row had, also on SQLite."""


def give_options(made: MetaData, dialect: str) -> None:
    """Give the ledger's tables in a collection what this kind of database takes of them, before they are made.

    A declaration that named it would load the dialect of each, whatever the application's database is.
    """
    for table in made.tables.values():
        if dialect in ("mysql", "mariadb"):
            # Its default may be a character set that cannot hold every reason, or an engine without row locks.
            table.dialect_kwargs.update({f"{dialect}_engine": "InnoDB", f"{dialect}_charset": "utf8mb4"})
        elif dialect == "sqlite" and table.name in _NEVER_REUSED:
            table.dialect_kwargs["sqlite_autoincrement"] = True
        for index in table.indexes:
            partial = dialect == "postgresql" or (dialect == "sqlite" and index.name in _PARTIAL_ON_SQLITE)
            if partial and index.name in _PARTIAL:
                index.dialect_kwargs[f"{dialect}_where"] = _PARTIAL[str(index.name)]


@event.listens_for(metadata, "before_create")
def _give_options(made: MetaData, connection: Connection, **_: Any) -> None:
    give_options(made, connection.dialect.name)
