"""The database's errors in this package's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

from ..errors import LedgerConflict, LedgerError, LedgerLocked, LedgerUnavailable

LOCKED = (
    "the ledger's SQLite database is locked: another process has a transaction open on it; let that one end (`fuser` on"
    " the file names who has it open), then do this again"
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise this package's errors for the database's."""
    try:
        yield
    except IntegrityError as exc:
        raise LedgerConflict(f"the ledger's database refused a row ({_kind(exc)})") from exc
    except DBAPIError as exc:
        raise error_of(exc) from exc
    except SQLAlchemyError as exc:
        raise LedgerUnavailable(f"the ledger's database cannot be used ({type(exc).__name__})") from exc


def error_of(exc: DBAPIError) -> LedgerError:
    """This package's error for one of the database's."""
    if forbidden(exc):
        return LedgerError(
            f"the database user of the ledger may not do that ({_kind(exc)}): let it SELECT, INSERT, UPDATE and DELETE"
            " in the ledger's tables (scrypath_*); tables and triggers are made by the owner of the tables"
        )
    if _is_locked(exc):
        return LedgerLocked(LOCKED)
    if isinstance(exc, OperationalError | InterfaceError):
        return LedgerUnavailable(f"the ledger's database did not answer ({_kind(exc)})")
    kind = LedgerUnavailable if exc.connection_invalidated or contended(exc) else LedgerError
    return kind(f"the ledger's database refused a statement ({_kind(exc)})")


def forbidden(exc: DBAPIError) -> bool:
    """Whether the user lacks a right; who was let in, since somebody else may get the right password."""
    original = exc.orig
    if getattr(original, "sqlstate", None) == "42501" or getattr(original, "sqlite_errorcode", 0) & 0xFF == 8:
        return True
    arguments: tuple[object, ...] = getattr(original, "args", ())
    return bool(arguments) and arguments[0] in (1142, 1143, 1227, 1370, 1419)


def _is_locked(exc: DBAPIError) -> bool:
    return getattr(exc.orig, "sqlite_errorcode", 0) & 0xFF in (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED


def _kind(exc: DBAPIError) -> str:
    return f"{type(exc.orig).__module__.split('.')[0]} {type(exc.orig).__name__}"


def contended(exc: BaseException | None) -> bool:
    """Whether the database chose this transaction as the victim of a deadlock, lock wait or serialisation failure."""
    if not isinstance(exc, DBAPIError):
        return False
    if isinstance(exc, IntegrityError):
        return True  # two that made the same row of an index: the second finds it
    original = exc.orig
    if getattr(original, "sqlstate", None) in ("40001", "40P01", "55P03"):
        return True
    if _is_locked(exc):
        return True
    arguments: tuple[object, ...] = getattr(original, "args", ())
    return bool(arguments) and arguments[0] in (1205, 1213, 1020)
