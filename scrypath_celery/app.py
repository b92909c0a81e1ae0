"""`Scrypath`: the one object that an application makes; it builds the runtime and offers the services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from sqlalchemy import Connection

from .argument_checks import seconds, several, whole
from .arguments import OptionArguments, RecordOptions, RunOptions, SyncOptions, WriteOptions, refuse_unknown
from .capture.capture import Capture
from .capture.inline import drain
from .capture.result import SyncResult
from .convergence.summary import Summary
from .declaration.declaration import Declaration
from .declaration.document_ids import id_text
from .declaration.fan_out import FanOut
from .errors import ConfigError
from .operations import Operations

if TYPE_CHECKING:
    from celery import Celery
    from meilisearch.index import Index

    from .arguments import Database, Sessions
    from .capture.track import Tracker
    from .operator.contract_drift import ContractDrift
    from .operator.hot_apply import HotApply
    from .operator.settings_apply import Applied
    from .operator.settings_diff import SettingsDiff
    from .rebuild.rebuild import How
    from .rebuild.report import BackfillReport, RebuildStatus, ReindexReport

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which a call that follows a rebuild waits for a first worker."""


class Native:
    """The official Meilisearch client, by declared class."""

    def __init__(self, owner: Scrypath) -> None:
        self._owner = owner

    def index(self, model: Any) -> Index:
        """The official client's Index of a declared class (for the calling thread)."""
        runtime = self._owner.runtime
        return runtime.engine.native(runtime.uid_of(runtime.schemas.of(model)))


class Scrypath(Operations):
    """Keeps Meilisearch in step with SQLAlchemy models through a Celery app.

    `database` is an Engine, a sessionmaker, an AsyncEngine or async_sessionmaker, or a callable that returns one;
    `read_session` is what records are read through for the index, where sessions of `database` see only some of them;
    `options` are those of `config.Options`. Made empty, it is attached later with `init_app`, so that models can
    import it first. Nothing (configuration, database, network) is read before first use.

    Raises:
        ConfigError: an unknown option.
    """

    def __init__(
        self,
        celery_app: Celery | None = None,
        *,
        database: Database | None = None,
        read_session: Database | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        super().__init__()
        self._capture = Capture(lambda: self.runtime)
        if celery_app is not None or database is not None or read_session is not None or options:
            self.init_app(celery_app, database=database, read_session=read_session, **options)

    @property
    def meilisearch(self) -> Native:
        """The official client: `search.meilisearch.index(Post)`."""
        return Native(self)

    # declaring

    def schema(self, **declaration: Unpack[Declaration]) -> Callable[[type[T]], type[T]]:
        """Declare a mapped class searchable: `@search.schema(fields=[...])`, or `search.schema(...)(Model)`.

        Again with a `name=`, for a further index. Metadata only: the class stays as it is, and nothing is tracked.

        Raises:
            SchemaError: the declaration is wrong, or its index is declared already.
        """
        return self.schemas.declare(**declaration)

    def fan_outs(self, *relationships: str, **fan_outs: FanOut | str) -> Callable[[type[T]], type[T]]:
        """Declare the fan-outs of a mapped class that has no index: `@search.fan_outs("posts")`.

        Given are names of relationships, or `FanOut`s by name. A class with an index declares `fan_outs=` in its
        schema. Metadata only: the class stays as it is.

        Raises:
            SchemaError: the declaration is wrong, or the class is declared already.
        """

        def decorate(model: type[T]) -> type[T]:
            self.schemas.add_owner(model, {**{name: name for name in relationships}, **fan_outs})
            return model

        return decorate

    # writing

    def sync_record(self, record: Any, **how: Unpack[SyncOptions]) -> SyncResult:
        """Make the index say what the database says of a record, once its transaction is committed.

        `session` is the Session or AsyncSession that writes it (its own one by default): the ledger's row joins that
        transaction. `sync_mode` beats the option for this call, `schema` names one index where not all are meant. `at`
        is when to do it, for documents that become visible or vanish with time: a worker does it then, and another date
        for the same document replaces it. Never awaited, never flushes.

        Raises:
            SchemaError: its class has no schema. SessionError: it belongs to no session, or to another.
        """
        return self._capture.sync_record(record, **how)

    def sync_records(self, records: Iterable[Any], **how: Unpack[SyncOptions]) -> SyncResult:
        """`sync_record` for many records of one session."""
        return self._capture.sync_records(several("records", records), **how)

    def delete_record(self, record: Any, **how: Unpack[RecordOptions]) -> SyncResult:
        """Take a record's document from the index; where the record still exists it is indexed again."""
        return self._capture.delete_record(record, **how)

    def delete_records(self, records: Iterable[Any], **how: Unpack[RecordOptions]) -> SyncResult:
        """`delete_record` for many records of one session."""
        return self._capture.delete_records(several("records", records), **how)

    def sync_related(self, owner: Any, **how: Unpack[WriteOptions]) -> SyncResult:
        """Re-sync the documents that a record's fan-outs name, once its transaction is committed.

        The record itself is not re-synced. In the mode `celery` workers find out which documents these are, in pages;
        in `inline` and `manual` the calling process does. Before a deletion call it too: what is related by then is
        registered with the flush that deletes.

        Raises:
            SchemaError: its class declares no fan-outs. SessionError: it belongs to no session, or to another.
        """
        return self._capture.sync_related(owner, **how)

    def delete_document(self, model: Any, id: Any, **how: Unpack[WriteOptions]) -> SyncResult:
        """Take a document from the index by its id: from all indexes of a class, or that of the schema that is named.

        A record that still has this id is indexed again, with the reason `record_exists`: the database decides. To
        keep a record out of the index, declare `index_if`.

        Raises:
            SchemaError: no such schema. ProjectionError: the engine would refuse the id.
        """
        return self._capture.delete_document(model, id, **how)

    def delete_documents(self, model: Any, ids: Iterable[Any], **how: Unpack[WriteOptions]) -> SyncResult:
        """`delete_document` for many ids."""
        return self._capture.delete_documents(model, several("ids", ids), **how)

    def capture_disabled(self) -> AbstractContextManager[None]:
        """Within this context calls and tracked flushes record nothing."""
        return self._capture.capture_disabled()

    def track(self, target: Sessions) -> None:
        """Capture what the sessions of a sessionmaker (or of what else makes sessions) write; see `Tracker.track`."""
        self._tracker.track(target)

    def untrack(self, target: Sessions) -> None:
        """Capture nothing more of a target's sessions."""
        self._tracker.untrack(target)

    @cached_property
    def _tracker(self) -> Tracker:
        from .capture.track import Tracker

        return Tracker(self.schemas, self._capture)

    # settings

    def index_contract_drift(self, model: Any) -> ContractDrift:
        """Where an index is not what its schema declares, dimension by dimension, and how its triggers stand."""
        from .operator.contract_report import contract_report

        return contract_report(self.runtime, self.schemas.of(model))

    def settings_diff(self, model: Any) -> SettingsDiff:
        """Where the settings of an index differ from what is declared."""
        from .operator.settings_diff import settings_diff

        return settings_diff(self.runtime, self.schemas.of(model))

    def settings_read(self, model: Any) -> Mapping[str, Any] | None:
        """All settings that an index has now, under our names; None where there is no index."""
        from .operator.settings_diff import own_names

        found = self.runtime.engine.settings(self.runtime.uid_of(self.schemas.of(model)))
        return None if found is None else own_names(found)

    def settings_apply(self, model: Any, *, everything: bool = False, dry_run: bool = False) -> Applied:
        """Make an index have its declared settings, or create it; see `operator.settings_apply`."""
        from .operator.settings_apply import settings_apply

        return settings_apply(self.runtime, self.schemas.of(model), everything=everything, dry_run=dry_run)

    def settings_hot_apply(
        self, model: Any, settings: Mapping[str, Any], *, ack_live: bool, by: str | None = None
    ) -> HotApply:
        """Apply a few settings to the live index at once, beside the declaration; see `operator.hot_apply`."""
        from .operator.hot_apply import hot_apply

        return hot_apply(self.runtime, self.schemas.of(model), settings, ack_live=ack_live, by=by)

    # rebuilding

    def backfill(
        self,
        model: Any,
        *,
        ids: Iterable[Any] | None = None,
        where: Mapping[str, Any] | None = None,
        since: Mapping[str, Any] | None = None,
        allow_mass_delete: bool = False,
        **run: Unpack[RunOptions],
    ) -> BackfillReport:
        """Re-sync every record and document of a live index, or those of `ids`, `where` (field=value) and `since`.

        In the mode `celery` the workers do it and this call follows them; see `RunOptions` and `rebuild.backfill`.

        Raises:
            RebuildError: another process is at one, or no worker came. SchemaError: no such schema.
        """
        from .rebuild.rebuild import backfill

        chosen = None if ids is None else [id_text(id) for id in several("ids", ids)]
        texts = [_texts(name, given) for name, given in (("where", where), ("since", since))]
        return backfill(
            self.runtime,
            self.schemas.of(model),
            self._how(**run),
            ids=chosen,
            where=texts[0],
            since=texts[1],
            allow_mass_delete=allow_mass_delete,
        )

    def reindex(
        self,
        model: Any,
        *,
        cutover: bool = True,
        keep_old: float = 0.0,
        allow_failed: int = 0,
        allow_shrink: bool = False,
        **run: Unpack[RunOptions],
    ) -> ReindexReport:
        """Build a new index beside the live one and cut over without losing a write; see `rebuild.reindex`.

        In the mode `celery` the workers do it and this call follows them; see `RunOptions`.

        Raises:
            RebuildError: another process is at one, or no worker came. SchemaError: no such schema.
        """
        from .rebuild.rebuild import reindex

        return reindex(
            self.runtime,
            self.schemas.of(model),
            self._how(**run),
            cutover=cutover,
            keep_old=seconds("keep_old", keep_old),
            allow_failed=whole("allow_failed", allow_failed),
            allow_shrink=allow_shrink,
        )

    def rebuilds(self, model: Any = None) -> tuple[RebuildStatus, ...]:
        """The newest rebuilds of a schema, or of all, newest first."""
        from .rebuild.rebuild import listed

        return listed(self.runtime, self._chosen(model))

    def _how(self, **run: Unpack[RunOptions]) -> How:
        from .rebuild.rebuild import How

        refuse_unknown(run, RunOptions.__optional_keys__, of="a backfill or reindex")
        return How(
            mode=self.rebuild_mode(run.get("sync_mode")),
            detach=run.get("detach", False),
            progress=run.get("progress"),
            patience=PATIENCE,
        )

    # testing

    def drain(self, *, connection: Connection | None = None) -> Summary:
        """Run all due work in this process (tests), on `connection` where its transaction is never committed."""
        return drain(self.runtime, connection=connection)


def _texts(name: str, given: Mapping[str, Any] | None) -> dict[str, str]:
    """The fields and values that records are chosen by.

    Raises:
        ConfigError: it is no mapping.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ConfigError(f"{name} must be a dict of fields and values, not {type(given).__name__}")
    return {field: str(value) for field, value in (given or {}).items()}
