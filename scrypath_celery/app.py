"""`Scrypath`: the one object that an application makes; it builds the runtime and offers the services."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, scoped_session

from .binding import bind
from .config import NAMES, Options, from_celery, from_environment, resolve
from .document import default_document
from .engine import Engine as SearchEngine
from .errors import ConfigError
from .ledger import Ledger
from .operator.failed import Failed, failed
from .operator.reconcile import Report, reconcile
from .operator.retry import Retried, retry
from .operator.status import Status, status
from .rebuild.along import Progress
from .rebuild.backfill import BackfillReport, backfill
from .rebuild.reindex import ReindexReport, reindex
from .runtime import Runtime
from .schema import Schema
from .schemas import Declaration, Schemas
from .search.find import Wanted, asearch, search
from .search.result import SearchResult
from .source import Source
from .sync.capture import Capture
from .sync.modes import drain, run_now
from .sync.outcome import Outcome
from .sync.result import SyncResult
from .sync.track import Tracker
from .work import Mode

if TYPE_CHECKING:
    from celery import Celery
    from meilisearch.index import Index
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

T = TypeVar("T")


class Native:
    """The official Meilisearch client, by declared class."""

    def __init__(self, owner: Scrypath) -> None:
        self._owner = owner

    def index(self, model: Any) -> Index:
        """The official client's Index of a declared class (for the calling thread)."""
        runtime = self._owner.runtime
        return runtime.engine.native(runtime.uid_of(runtime.schemas.of(model)))


class Scrypath:
    """Keeps Meilisearch in step with SQLAlchemy models through a Celery app.

    `database` is an Engine, a sessionmaker, an AsyncEngine or async_sessionmaker, or a callable that returns one;
    `options` are those of `config.Options`. Made empty, it is attached later with `init_app`, so that models can
    import it first. Nothing (configuration, database, network) is read before first use.

    Raises:
        ConfigError: an unknown option.
    """

    def __init__(self, celery_app: Celery | None = None, *, database: Any = None, **options: Any) -> None:
        self.schemas = Schemas()
        self._capture = Capture(lambda: self.runtime)
        self._tracker = Tracker(self.schemas, self._capture)
        self._lock = threading.RLock()
        self._database: Any = None
        self._arguments: dict[str, Any] = {}
        self._runtime: tuple[int, Runtime] | None = None
        self._bound: tuple[int, tuple[Callable[[], Session], Engine]] | None = None
        self._publisher: Any = None
        self.celery_app: Celery | None = None
        if celery_app is not None or database is not None or options:
            self.init_app(celery_app, database=database, **options)

    def init_app(self, celery_app: Celery | None, *, database: Any = None, **options: Any) -> None:
        """Attach to a Celery app and a database; again with the same app, to replace the options.

        Raises:
            ConfigError: an unknown option, another app than before, or an app that has another Scrypath.
        """
        for name in options:
            if name not in NAMES:
                resolve({name: None})
        if self.celery_app is not None and celery_app is not None and celery_app is not self.celery_app:
            raise ConfigError(f"this Scrypath is attached to the Celery app {self.celery_app.main!r} already")
        self._database = database if database is not None else self._database
        self._arguments = dict(options)
        self._reset()
        if celery_app is not None:
            from .worker.attach import attach

            attach(celery_app, self)

    @property
    def options(self) -> Options:
        """The options: arguments, then environment variables, then the Celery app's configuration.

        Raises:
            ConfigError: one of them is unknown or wrong.
        """
        return self._options

    @property
    def runtime(self) -> Runtime:
        """What the services work with; built at first use in each process.

        Raises:
            ConfigError: an option is wrong, or there is no database.
        """
        found = self._runtime
        if found is None or found[0] != os.getpid():
            with self._lock:
                found = (os.getpid(), self._build())
                self._runtime = found
        return found[1]

    @property
    def ledger(self) -> Ledger:
        """The ledger; `ledger.create_all()` makes its tables in tests."""
        return self.runtime.ledger

    @property
    def meilisearch(self) -> Native:
        """The official client: `search.meilisearch.index(Post)`."""
        return Native(self)

    def load(self) -> None:
        """Import the modules of the option `include`, so that the schemas declared there are known."""
        for name in self.options.include:
            importlib.import_module(name)

    # declaring

    def schema(self, **declaration: Unpack[Declaration]) -> Callable[[type[T]], type[T]]:
        """Declare a mapped class searchable: `@search.schema(fields=[...])`, or `search.schema(...)(Model)`.

        Metadata only: the class stays as it is, and nothing is tracked.

        Raises:
            SchemaError: the declaration is wrong, or its index is declared already.
        """
        return self.schemas.declare(**declaration)

    # writing

    def sync_record(self, record: Any, *, session: Any = None, sync_mode: str | None = None) -> SyncResult:
        """Make the index say what the database says of a record, once its transaction is committed.

        `session` is the Session or AsyncSession that writes it (its own one by default): the ledger's row joins that
        transaction. `sync_mode` beats the option for this call. Never awaited, never flushes.

        Raises:
            SchemaError: its class has no schema. SessionError: it belongs to no session, or to another.
        """
        return self._capture.sync_record(record, session=session, sync_mode=sync_mode)

    def sync_records(self, records: Iterable[Any], *, session: Any = None, sync_mode: str | None = None) -> SyncResult:
        """`sync_record` for many records of one session."""
        return self._capture.sync_records(records, session=session, sync_mode=sync_mode)

    def delete_record(self, record: Any, *, session: Any = None, sync_mode: str | None = None) -> SyncResult:
        """Take a record's document from the index; where the record still exists it is indexed again."""
        return self._capture.delete_record(record, session=session, sync_mode=sync_mode)

    def delete_records(
        self, records: Iterable[Any], *, session: Any = None, sync_mode: str | None = None
    ) -> SyncResult:
        """`delete_record` for many records of one session."""
        return self._capture.delete_records(records, session=session, sync_mode=sync_mode)

    def delete_document(self, model: Any, id: Any, *, session: Any = None, sync_mode: str | None = None) -> SyncResult:
        """Take a document from the index by its id.

        A record that still has this id is indexed again, with the reason `record_exists`: the database decides. To
        keep a record out of the index, declare `index_if`.

        Raises:
            SchemaError: no such schema. ProjectionError: the engine would refuse the id.
        """
        return self._capture.delete_document(model, id, session=session, sync_mode=sync_mode)

    def delete_documents(
        self, model: Any, ids: Iterable[Any], *, session: Any = None, sync_mode: str | None = None
    ) -> SyncResult:
        """`delete_document` for many ids."""
        return self._capture.delete_documents(model, ids, session=session, sync_mode=sync_mode)

    def paused(self) -> AbstractContextManager[None]:
        """Within this context calls and tracked flushes record nothing."""
        return self._capture.paused()

    def track(self, target: Any) -> None:
        """Capture what the sessions of a sessionmaker (or of what else makes sessions) write; see `Tracker.track`."""
        self._tracker.track(target)

    def untrack(self, target: Any) -> None:
        """Capture nothing more of a target's sessions."""
        self._tracker.untrack(target)

    # searching

    def document(self, record: Any) -> dict[str, Any]:
        """The default projection of a record: its declared fields; a `search_document` of its own may start from it.

        Raises:
            SchemaError: its class has no schema. ProjectionError: a value has no JSON form.
        """
        return default_document(self.schemas.of(record), record)

    def search(
        self, model: type[T], q: str = "", *, session: Session | scoped_session[Any], **wanted: Unpack[Wanted]
    ) -> SearchResult[T]:
        """One page of what the index finds, as records of `session`; see `search.find.search`."""
        return search(self.runtime, model, q, session=session, **wanted)

    async def asearch(
        self,
        model: type[T],
        q: str = "",
        *,
        session: AsyncSession | async_scoped_session[Any],
        **wanted: Unpack[Wanted],
    ) -> SearchResult[T]:
        """The same for an AsyncSession."""
        return await asearch(self.runtime, model, q, session=session, **wanted)

    # operating

    def sync_status(self, model: Any = None) -> Status:
        """Where the index of a schema stands, or all; of broker and workers the command `status` speaks."""
        return status(self.runtime, self._chosen(model))

    def failed_sync_work(self, model: Any = None) -> Failed:
        """Failed and retrying work, of a schema or of all."""
        return failed(self.runtime, None if model is None else self.schemas.of(model))

    def retry_sync_work(self, id: int) -> Retried:
        """Give one failed work to the workers again.

        Raises:
            WorkError: there is none of this id, or it cannot be retried.
        """
        return retry(self.runtime, id)

    def reconcile_sync(self, model: Any = None) -> Report:
        """What differs between database and index, and what to do about it; changes nothing."""
        return reconcile(self.runtime, self._chosen(model))

    # rebuilding

    def backfill(self, model: Any, *, progress: Progress | None = None, follow: bool = True) -> BackfillReport:
        """Make sure of every record and document of a live index; see `rebuild.backfill`."""
        return backfill(self.runtime, self.schemas.of(model), progress=progress, follow=follow)

    def reindex(self, model: Any, *, cutover: bool = True, progress: Progress | None = None) -> ReindexReport:
        """Build a new index beside the live one and cut over without losing a write; see `rebuild.reindex`."""
        return reindex(self.runtime, self.schemas.of(model), cutover=cutover, progress=progress)

    # testing

    def drain(self, *, connection: Connection | None = None) -> Outcome:
        """Run all due work in this process (tests), on `connection` where its transaction is never committed."""
        return drain(self.runtime, connection=connection)

    @contextmanager
    def override(self, *, database: Any = None, **options: Any) -> Iterator[Scrypath]:
        """Other options, or another database, within a `with` block (tests)."""
        before = (self._database, self._arguments)
        for name in options:
            if name not in NAMES:
                resolve({name: None})
        self._database = database if database is not None else self._database
        self._arguments = {**self._arguments, **options}
        self._reset()
        try:
            yield self
        finally:
            self._database, self._arguments = before
            self._reset()

    def _chosen(self, model: Any) -> list[Schema]:
        return list(self.schemas) if model is None else [self.schemas.of(model)]

    def _reset(self) -> None:
        self._runtime = self._bound = self._publisher = None
        self.__dict__.pop("_options", None)

    @cached_property
    def _options(self) -> Options:
        app = self.celery_app
        configured: Mapping[str, Any] = {}
        if app is not None:
            configured = from_celery(app.conf.items(), app.namespace)
        return resolve(self._arguments, from_environment(), configured)

    def _build(self) -> Runtime:
        options = self._options
        return Runtime(
            options=options,
            schemas=self.schemas,
            ledger=Ledger(lambda: self._binding()[1]),
            engine=SearchEngine(options),
            source=Source(lambda: self._binding()[0]),
            publish=self._publish,
        )

    def _binding(self) -> tuple[Callable[[], Session], Engine]:
        """Session factory and Engine of this process; after a fork the pool starts anew."""
        found = self._bound
        if found is not None and found[0] == os.getpid():
            return found[1]
        with self._lock:
            if self._database is None:
                raise ConfigError("no database: give Scrypath(...) or init_app(...) the option 'database'")
            bound = bind(self._database) if found is None else found[1]
            if found is not None:  # connections of the parent are not ours to use, nor to close
                bound[1].dispose(close=False)
            self._bound = (os.getpid(), bound)
            return bound

    def _publish(self, index: str, ids: tuple[int, ...]) -> None:
        app = self.celery_app
        if app is None or not ids:
            return
        if app.conf.task_always_eager:
            run_now(self.runtime, index, ids, Mode.INLINE)
            return
        if self._publisher is None:
            from .worker.publisher import Publisher

            with self._lock:
                options = self._options
                self._publisher = self._publisher or Publisher(app, options.queue, seconds=options.broker_seconds)
        self._publisher.publish(index, ids)
