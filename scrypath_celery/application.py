"""Attached to a Celery app and a database: where options come from, and the runtime that is built of them."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, Unpack

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from .arguments import OptionArguments, SyncMode
from .binding import bind
from .capture.inline import run_now
from .config import NAMES, Options, from_celery, from_environment, resolve
from .declaration.registry import Schemas
from .declaration.schema import Schema
from .declaration_watch import DeclarationWatch
from .destination_watch import DestinationWatch
from .errors import ConfigError
from .ledger import Ledger, publications
from .ledger.triggers.declarations import Declarations
from .notices import DeadLetter
from .runtime import Runtime
from .source import Source
from .telling import Teller, heard
from .totals import Totals
from .work import Cause, Mode

if TYPE_CHECKING:
    from celery import Celery

    from .arguments import Database


class Attached:
    """What belongs to a Celery app and a database, and reads neither before first use."""

    def __init__(self) -> None:
        self.schemas = Schemas(lambda: self.options.generation)
        self.celery_app: Celery | None = None
        self._lock = threading.RLock()
        self._database: Any = None
        self._read_session: Any = None
        self._arguments: dict[str, Any] = {}
        self._runtime: tuple[int, Runtime] | None = None
        self._bound: tuple[int, tuple[Callable[[], Session], Engine]] | None = None
        self._reading: tuple[int, tuple[Callable[[], Session], Engine]] | None = None
        self._publisher: Any = None
        self._totals = Totals()
        self._watch, self._destinations = self._new_watches()

    def init_app(
        self,
        celery_app: Celery | None,
        *,
        database: Database | None = None,
        read_session: Database | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        """Attach to a Celery app and a database; again with the same app, to replace the options.

        `read_session` is a sessionmaker (or what `database` may be) through which records are read for the index,
        where sessions of `database` see only some of them (tenant criteria, row-level security).

        Raises:
            ConfigError: an unknown option, another app than before, or an app that has another Scrypath.
        """
        _check_names(options)
        if self.celery_app is not None and celery_app is not None and celery_app is not self.celery_app:
            raise ConfigError(f"this Scrypath is attached to the Celery app {self.celery_app.main!r} already")
        self._database = database if database is not None else self._database
        self._read_session = read_session if read_session is not None else self._read_session
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

    def declares(self, model: Any) -> bool:
        """Whether a mapped class has an index here; None, which stands for one that no process knows, counts."""
        return model is None or any(schema.model is model for schema in self.schemas)

    def rebuild_mode(self, sync_mode: SyncMode | None = None) -> Mode:
        """Where a rebuild runs: with the workers (`celery`), or in the calling process.

        Without a Celery app, with eager tasks, or with a broker in memory, whose messages reach no other process, it
        is the calling process.

        Raises:
            ConfigError: `sync_mode` is none.
        """
        chosen = Mode(resolve({"sync_mode": sync_mode or self.options.sync_mode}).sync_mode)
        if chosen not in (Mode.CELERY, Mode.OFF):
            return chosen
        app = self.celery_app
        alone = app is None or app.conf.task_always_eager or str(app.conf.broker_url or "").startswith("memory:")
        return Mode.INLINE if alone else Mode.CELERY

    def look_at_declarations(self) -> None:
        """Say which declarations changed since their indexes were made: once in a process, in the log and by the
        signal `contract_drift`."""
        self._watch.look(self.ledger, self.schemas)

    def look_at_destinations(self) -> None:
        """Say, once in a process, in the log, where others send the same indexes to another engine or prefix."""
        self._destinations.look()

    def open_session(self) -> Session:
        """A new session of the application's own sessionmaker, to be closed by whoever opened it.

        Raises:
            ConfigError: there is no database.
        """
        return self._binding()[0]()

    def tell(self, events: Sequence[Any]) -> None:
        """Leave events for whoever watches the Celery app; nobody learns whether they arrived."""
        if self.celery_app is not None and not self._is_eager():
            self._publishing(self.celery_app).tell(events)

    def load(self) -> None:
        """Import the modules of the option `include`, so that the schemas declared there are known, and check them.

        This configures the mappers: everything is imported by now.

        Raises:
            SchemaError: a declared name is unknown, or mappers cannot be configured.
            ImportError: a module is not there.
        """
        for name in self.options.include:
            importlib.import_module(name)
        self.schemas.complete()

    @contextmanager
    def override(self, *, database: Database | None = None, **options: Unpack[OptionArguments]) -> Iterator[Self]:
        """Other options, or another database, within a `with` block (tests)."""
        before = (self._database, self._arguments)
        _check_names(options)
        self._database = database if database is not None else self._database
        self._arguments = {**self._arguments, **options}
        self._reset()
        try:
            yield self
        finally:
            self._database, self._arguments = before
            self._reset()

    def _reset(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
        self._runtime = self._bound = self._reading = self._publisher = None
        self._watch, self._destinations = self._new_watches()
        self.__dict__.pop("_options", None)

    @cached_property
    def _options(self) -> Options:
        app = self.celery_app
        configured: Mapping[str, Any] = {}
        if app is not None:
            configured = from_celery(app.conf.items(), app.namespace)
        return resolve(self._arguments, from_environment(), configured)

    def _build(self) -> Runtime:
        from .engine import Engine as SearchEngine  # loads the client

        options = self._options
        tell = Teller(
            schemas=self.schemas,
            index_of=lambda uid: self.runtime.engine_uid(uid),
            to_celery=self._tell_dead_letters,
            report=options.report_dead_letters,
        )
        return Runtime(
            options=options,
            schemas=self.schemas,
            ledger=Ledger(
                lambda: self._binding()[1],
                declarations=Declarations(
                    schemas_of=self._written, routes=self.schemas.routes, notify=options.ledger_notify
                ),
                tell=tell,
            ),
            engine=SearchEngine(options, totals=self._totals),
            source=Source(self._reader, exception_text=options.log_exception_text),
            publish=self._publish,
            eager=self._is_eager,
            tell=tell,
            hears=heard,
            totals=self._totals,
            declaration_changed=lambda ledger, schema: self._watch.look(ledger, [schema]),
            moved=lambda: self._destinations.look(moved=True),
        )

    def _written(self, target: Any) -> list[Schema]:
        """The schemas of a class, or the one of a name, in all generations that writes are captured for."""
        found, schemas = self.schemas.all_of(target), self.schemas
        others = self.options.other_generations
        return [*found, *(schemas.in_generation(one, other) for one in found for other in others)]

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

    def _reader(self) -> Callable[[], Session]:
        """The session factory through which records are read for the index, in this process."""
        if self._read_session is None:
            return self._binding()[0]
        found = self._reading
        if found is None or found[0] != os.getpid():
            with self._lock:
                bound = bind(self._read_session) if found is None else found[1]
                if found is not None:  # connections of the parent are not ours to use, nor to close
                    bound[1].dispose(close=False)
                found = self._reading = (os.getpid(), bound)
        return found[1][0]

    def _is_eager(self) -> bool:
        return self.celery_app is not None and bool(self.celery_app.conf.task_always_eager)

    def _publish(
        self, index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None
    ) -> None:
        app = self.celery_app
        if app is None or not ids:
            return
        if self._is_eager():
            run_now(self.runtime, index, ids, Mode.INLINE)
            return
        self._publishing(app).publish(index, ids, cause=cause, documents=documents)

    def _publishing(self, app: Celery) -> Any:
        if self._publisher is None:
            from .worker.messages import named
            from .worker.publisher import Publisher
            from .worker.tasks import limit_tasks

            with self._lock:
                limit_tasks(app)  # a message carries the limits of its sender
                options = self._options
                self._publisher = self._publisher or Publisher(
                    app,
                    options.queue,
                    seconds=options.broker_seconds,
                    note=self._note_publication,
                    name=lambda index: named(self.schemas, index),
                    after=self._watch_index,
                    bulk_queue=options.bulk_queue,
                )
        return self._publisher

    def _tell_dead_letters(self, found: Sequence[DeadLetter]) -> None:
        """Leave an event of Celery's for each task whose works became dead letters."""
        if self.celery_app is not None:
            from .worker.events import dead_lettered

            self.tell(dead_lettered(self.schemas, found))

    def _new_watches(self) -> tuple[DeclarationWatch, DestinationWatch]:
        declarations = DeclarationWatch(lambda schema: self.runtime.uid_of(schema))
        return declarations, DestinationWatch(lambda: self.runtime, self._is_worker)

    def _watch_index(self, uid: str) -> None:
        """In the publisher's thread, after a first write: no commit waits for it."""
        schema = self.schemas.by_uid(uid)
        if schema is not None:
            self._watch.look(self.ledger, [schema])
            self._destinations.look()

    def _is_worker(self) -> bool:
        if self.celery_app is None:
            return False
        from .worker.this_worker import this_worker

        return this_worker(self.celery_app) is not None

    def _note_publication(self, reason: str | None) -> None:
        ledger = self.runtime.ledger
        if reason is not None or ledger.read(publications.failure) is not None:
            ledger.run(lambda tx: publications.note(tx, reason))


def _check_names(options: Mapping[str, Any]) -> None:
    """Refuse unknown names at once; values are looked at when all sources are known."""
    for name in options:
        if name not in NAMES:
            resolve({name: None})
