"""What callers may give, for type checkers and editors: the options, sessions and modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from sqlalchemy import Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from .declaration.mapping import nearest
from .errors import ConfigError, ScrypathError
from .work import Mode

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session, async_sessionmaker

    AnySession = Session | scoped_session[Any] | AsyncSession | async_scoped_session[Any]
    """A session of SQLAlchemy's of any kind."""

    Bound = Engine | sessionmaker[Any] | scoped_session[Any] | AsyncEngine | async_sessionmaker[Any]
    Database = Bound | Callable[[], Bound]
    """What an application calls its database: an Engine, what makes its sessions, or a callable that returns one."""

    SyncSessions = sessionmaker[Any] | scoped_session[Any] | type[Session]
    Sessions = SyncSessions | async_sessionmaker[Any] | async_scoped_session[Any] | type[AsyncSession]
    """What makes sessions that can be tracked."""

SyncMode = Mode | Literal["inline", "celery", "manual", "off"]
"""When a call that writes returns; see the docs on sync modes."""


def refuse_unknown(
    given: Iterable[str], known: Iterable[str], *, of: str, error: type[ScrypathError] = ConfigError
) -> None:
    """See that `given` are names of options that a call (`of`: what it is called) knows.

    One that is misspelt must not be left out: a filter would mean more than its caller did.

    Raises:
        ConfigError: one is not known; another kind of error, where one is named.
    """
    for name in given:
        if name not in known:
            raise error(f"{of} has no option {name!r}{nearest(name, known)}")


class WriteOptions(TypedDict, total=False):
    """What the calls beside a write take."""

    session: AnySession | None
    """The session whose transaction the write belongs to; by default that of the records, if they have one."""
    sync_mode: SyncMode | None
    """Beats the option `sync_mode` for this call."""


class RecordOptions(WriteOptions, total=False):
    """What the calls that are given records take."""

    schema: str | None
    """The name of the one schema whose document is meant; by default all that hold the record."""


class SyncOptions(RecordOptions, total=False):
    """What the calls that re-sync records take."""

    at: datetime | None
    """When to do it (with its time zone): documents that become visible, or vanish, with time. None: now.

    It takes the place of what was scheduled for the same document.
    """


class RunOptions(TypedDict, total=False):
    """How a backfill or reindex is run."""

    sync_mode: SyncMode | None
    """Where: with the workers (`celery`), or in the calling process. None: as the option `sync_mode` says."""
    detach: bool
    """Leave it to the workers, and return at once."""
    progress: Callable[[str, int, int | None], None] | None
    """Told the phase, how many documents are done, and of how many."""


class OptionArguments(TypedDict, total=False):
    """The options of `Scrypath(...)`, `init_app` and `override`. Times are in seconds, sizes in bytes.

    A command's flag beats an argument, which beats a `SCRYPATH_*` environment variable, which beats the Celery app's
    configuration (`scrypath_*`). None counts as not given.
    """

    meilisearch_url: str | None
    """Where Meilisearch is."""
    meilisearch_api_key: str | None
    """The key that it asks for; never shown."""
    backend: Literal["meilisearch"] | None
    """The kind of engine; there is one."""
    index_prefix: str | None
    """What the engine's names of indexes begin with, followed by `_`: several applications may share an engine."""
    generation: int | None
    """The generation of the indexes that this process works with: another one than the first is in another engine."""
    generations: Sequence[int] | str | None
    """All generations that writes are captured for, while an application moves to another engine."""
    sync_mode: SyncMode | None
    """What a call promises that names no mode: `celery`, `inline`, `manual` or `off`."""
    queue: str | None
    """The Celery queue of our tasks; that of a second generation is called `search_sync-g2`."""
    bulk_queue: str | None
    """The Celery queue of backfills and rebuilds; the same as of all others where it is not named."""
    include: Sequence[str] | str | None
    """Modules that declare schemas, to be imported by workers and commands."""
    log_exception_text: bool | None
    """Whether the ledger keeps what an exception of a projection says, which may be what a record holds."""
    playbooks: str | None
    """The directory of saved searches."""

    engine_connect_timeout: float | None
    """How long a connection to the engine may take."""
    engine_timeout: float | None
    """How long the engine may take to answer one request."""
    payload_bytes: int | None
    """The size at which a payload of documents is closed (the engine's own limit is 100 MB by default)."""
    claim_documents: int | None
    """The most documents that one claim takes."""
    bulk_documents: int | None
    """The most documents that one claim of a backfill or rebuild takes."""
    bulk_bytes: int | None
    """What of backfills and rebuilds may be on its way to the engine at once."""
    bulk_seconds: float | None
    """The same while single changes come in, as the time that the engine takes to index it."""
    read_documents: int | None
    """The most records that are read and projected at a time."""
    lease: float | None
    """How long a claim is held without a sign of progress."""
    task_seconds: float | None
    """How long one Celery task goes on claiming."""
    hang_seconds: float | None
    """How long one record may be projected before its work is shown as hanging."""
    time_limit: float | None
    """How long a Celery task may take before its process is killed; four fifths of it before it is interrupted."""
    await_seconds: float | None
    """How long a claim waits for the engine before its works are left `submitted`."""
    max_attempts: int | None
    """Verdicts after which a work becomes a dead letter."""
    mass_delete_count: int | None
    """Deletions that nobody asked for by name, beyond which they wait for a word of an operator."""
    mass_delete_share: float | None
    """The same as a share of the documents of the index; the larger one counts."""
    max_claims: int | None
    """Claims that ended without a settlement after which a work fails as `source`."""
    backoff: float | None
    """The first wait before a retry; doubled with each attempt, with full jitter."""
    backoff_max: float | None
    """The longest wait before a retry."""
    pause_max: float | None
    """The longest wait between two probes of a paused index."""
    relay_period: float | None
    """How often the relay looks for unclaimed work."""
    ledger_notify: bool | None
    """Whether triggers on PostgreSQL notify workers of what they write, so that none waits for the relay."""
    publish_grace: float | None
    """How long after its creation or last publication a work is published again."""
    watch_seconds: float | None
    """How long the engine's tasks are watched for unresolved sends."""
    keep_succeeded: float | None
    """How long works that succeeded are kept."""
    keep_cancelled: float | None
    """How long works that were given up are kept."""
    report_dead_letters: bool | None
    """Whether dead letters are reported to error trackers: by tasks that fail unexpectedly, and log lines at ERROR."""
    rebuild_ranges: int | None
    """Ranges of the key that a rebuild is filled by at the same time."""
    rebuild_expires: float | None
    """How long a rebuild in which nothing moves, or that waits for its cut-over, is kept."""
    broker_seconds: float | None
    """How long the publisher waits for a broker, and an operator's command for an answer of one."""
    poll_first: float | None
    """The first wait between two looks at the engine's tasks; it grows."""
    poll_max: float | None
    """The longest wait between two looks at the engine's tasks."""
