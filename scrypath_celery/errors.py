"""Every error that scrypath-celery raises, as one tree; these are its branches.

    ScrypathError
        ConfigError        an option is unknown, of the wrong type, or missing
        SchemaError        a declaration is wrong, or a schema is unknown or ambiguous
        ProjectionError    a record could not be turned into a document
        SourceError        the application's records could not be read
        LedgerError        it cannot be used: LedgerMissing, LedgerOutdated, LedgerUnavailable, LedgerConflict,
                           LedgerLocked, WrongDatabase
        EngineError        Meilisearch refused: EngineUnreachable (UnexpectedAnswer), EngineTooOld, KeyRefused,
                           IndexMissing (IndexMissingPaused)
        IndexTaken         an index of the engine is another application's
        IndexPaused        nothing of an index is tried until its pause ends
        SettingsError      settings of an index could not be applied as declared: PrimaryKeyDiffers; of a hot apply:
                           LiveAckRequired, EmptyHotApplyPayload, UnsupportedHotApplyKeys, HotApplyFailed
        SessionError       a call does not say which session, or which record, it means
        QueryError         a search asks for what its schema does not declare: TenantRequired
        PlaybookError      a saved search cannot be found, or is not one
        WorkError          a work cannot be found, or not be retried or cancelled
        RebuildError       a rebuild cannot be started, gone on with or undone
        TaskError          how a task of ours ended: DeadLettered (DeadLetteredElsewhere), Unsettled, NotUnderstood
        BrokerError        the broker did not answer
        CommandTimeout     a command did not end within its --timeout
        EmbeddedError      the embedded engine or broker could not be started

Callers tell errors apart by class and by `code`, never by their text.
"""

from __future__ import annotations

from typing import ClassVar


class ScrypathError(Exception):
    """Base of all errors of this package; `code` is stable across releases."""

    code: ClassVar[str] = "scrypath_error"


class ConfigError(ScrypathError):
    """An option is unknown, of the wrong type, or missing."""

    code = "config"


class SchemaError(ScrypathError):
    """A declaration is wrong, or a schema is unknown or ambiguous."""

    code = "schema"


class ProjectionError(ScrypathError):
    """A record could not be turned into a document.

    `permanent` is true where no retry can fix it: the document itself is wrong (reason class `validation`),
    rather than the code that projects it (`source`).
    """

    code = "projection"

    def __init__(self, message: str, *, permanent: bool = True, error_code: str = "projection") -> None:
        super().__init__(message)
        self.permanent = permanent
        self.error_code = error_code


class SourceError(ScrypathError):
    """The application's records could not be read; the database, not a record, is to blame."""

    code = "source"


class LedgerError(ScrypathError):
    """The ledger cannot be used."""

    code = "ledger"


class LedgerMissing(LedgerError):
    """The ledger's tables are not in the database."""

    code = "ledger_missing"


class LedgerOutdated(LedgerError):
    """The ledger's tables are older or newer than this code."""

    code = "ledger_outdated"


class LedgerUnavailable(LedgerError):
    """The ledger's database did not answer, or gave up a transaction again and again."""

    code = "ledger_unavailable"


class LedgerConflict(LedgerError):
    """The ledger's database refused a row because of a constraint: another process made the same row first."""

    code = "ledger_conflict"


class EngineError(ScrypathError):
    """Meilisearch refused a request.

    `status` is the HTTP status, `engine_code` and `engine_type` are Meilisearch's own `code` and `type`
    (None where the answer was not Meilisearch's), `retry_after` is in seconds where it asked for a wait.
    `engine_message` and `link` are Meilisearch's own message and link; the text of the error repeats them only where
    the request held no documents, since a message may quote what the request held.
    """

    code = "engine_refused"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        engine_code: str | None = None,
        engine_type: str | None = None,
        retry_after: float | None = None,
        engine_message: str | None = None,
        link: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.engine_code = engine_code
        self.engine_type = engine_type
        self.retry_after = retry_after
        self.engine_message = engine_message
        self.link = link


class EngineUnreachable(EngineError):
    """Meilisearch did not answer.

    `sent` is true where the request may have been registered all the same: its outcome is unknown.
    `broken` is true where the connection broke while the body was being sent, which is what a refusal of a
    large body (413) looks like from the outside.
    """

    code = "engine_unreachable"

    def __init__(
        self,
        message: str,
        *,
        sent: bool,
        broken: bool = False,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, retry_after=retry_after)
        self.sent = sent
        self.broken = broken


class UnexpectedAnswer(EngineUnreachable):
    """What answered does not speak as Meilisearch does: a page of HTML, JSON of another shape, a redirect.

    A proxy or another service stands at the URL, or between it and Meilisearch.
    """

    code = "unexpected_answer"


class EngineTooOld(EngineError):
    """Meilisearch lacks what this package needs; the message names its version and the one that is needed."""

    code = "engine_too_old"


class KeyRefused(EngineError):
    """Meilisearch refused the API key, or what was asked is more than the key may do."""

    code = "key_refused"


class IndexMissing(EngineError):
    """There is no index to search: it was never made, or is gone."""

    code = "index_missing"


class IndexPaused(ScrypathError):
    """Nothing of an index is tried until its pause ends; its works stay in the ledger and resume automatically."""

    code = "index_paused"


class IndexMissingPaused(IndexMissing, IndexPaused):
    """There is no index to search, and the work that would fill it is paused; the message says why."""

    code = "index_paused"


class IndexTaken(ScrypathError):
    """An index of the engine is another application's: prefix and index of both make the same name."""

    code = "index_taken"


class SettingsError(ScrypathError):
    """Settings of an index could not be applied as declared."""

    code = "settings"


class PrimaryKeyDiffers(SettingsError):
    """The index has another primary key than the schema: only a reindex changes that."""

    code = "primary_key_differs"


class LiveAckRequired(SettingsError):
    """A hot apply without the word that the live index is meant; nothing was sent."""

    code = "live_ack_required"


class EmptyHotApplyPayload(SettingsError):
    """A hot apply of nothing; nothing was sent."""

    code = "empty_hot_apply_payload"


class UnsupportedHotApplyKeys(SettingsError):
    """A hot apply of settings that it does not take; nothing was sent, the message names them."""

    code = "unsupported_hot_apply_keys"


class HotApplyFailed(SettingsError):
    """The engine did not take a hot apply, or not on every index."""

    code = "hot_apply_failed"


class SessionError(ScrypathError):
    """A call does not say which session, or which record, it means."""

    code = "session"


class WrongDatabase(LedgerError, SessionError):
    """A session writes to another database than the one that holds the ledger."""

    code = "wrong_database"


class LedgerLocked(LedgerUnavailable, SessionError):
    """Somebody else's transaction holds SQLite's write lock for too long, or one that the calling thread has open."""

    code = "ledger_locked"


class QueryError(ScrypathError):
    """A search asks for what its schema does not declare, or for what the engine cannot express."""

    code = "query"


class TenantRequired(QueryError):
    """A search of a schema with a tenant field says neither `tenant=` nor `across_tenants=True`."""

    code = "tenant_required"


class PlaybookError(ScrypathError):
    """A saved search cannot be found, or is not one."""

    code = "playbook"


class WorkError(ScrypathError):
    """A work cannot be found, or not be retried or cancelled."""

    code = "work"


class RebuildError(ScrypathError):
    """A rebuild cannot be started, gone on with or undone.

    `why` is a stable code: `lost` (another process took it over), `alive` (another drives or follows it), `kept` (old
    content is kept), `none` (nothing to undo), `swapped` (cut over already), `no_version`, `no_worker`, `pruned`.
    """

    code = "rebuild"

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message)
        self.why = why


class TaskError(ScrypathError):
    """How a Celery task of this package ended, where not all of its works are settled."""

    code = "task"


class DeadLettered(TaskError):
    """Works of this task became dead letters; the message names ids of works, classes and codes, never a document.

    `schema` is the schema's name, `kinds` are the pairs of reason class and error code, in order, each once.
    """

    code = "dead_lettered"

    def __init__(self, message: str, *, schema: str = "", kinds: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.schema = schema
        self.kinds = kinds


class DeadLetteredElsewhere(DeadLettered):
    """Works of this task were made dead letters by another process, which has reported them."""

    code = "dead_lettered_elsewhere"


class Unsettled(TaskError):
    """Works of this task are tried again later."""

    code = "unsettled"


class NotUnderstood(TaskError):
    """A message of another release; its works are rows of the ledger, which the relay publishes again."""

    code = "not_understood"


class BrokerError(ScrypathError):
    """The broker did not answer."""

    code = "broker"


class CommandTimeout(ScrypathError):
    """A command did not end within its --timeout; what it began is gone on with by the workers, or by itself again."""

    code = "timeout"


class EmbeddedError(ScrypathError):
    """The embedded engine or broker could not be started."""

    code = "embedded"
