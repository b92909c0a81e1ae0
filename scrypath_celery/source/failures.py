"""Why a record could not be projected, and where the application's code raised."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

from ..errors import ProjectionError, SourceError
from ..work import Failure, ReasonClass

HANGS = "projection_hangs"
"""The error code of a record whose projection was interrupted by a time limit."""

RAISED = "projection_raised"
"""The error code of a record whose projection raised an error of the application's own."""

_OURS = str(Path(__file__).parent.parent)
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def refusal(exc: ProjectionError) -> Failure:
    """The failure of a record that makes no document."""
    reason_class = ReasonClass.VALIDATION if exc.permanent else ReasonClass.SOURCE
    return Failure(reason_class=reason_class, reason=str(exc), code=exc.error_code, permanent=exc.permanent)


def crash(exc: Exception, *, text: bool = False) -> Failure:
    """The failure of a record whose projection raised: the class of the exception, and where in the application.

    What the exception says may be what the record holds: it is left out unless `text` asks for it.
    """
    if is_interruption(exc):
        reason = "its projection hangs (interrupted by the time limit of its task)"
        return Failure(reason_class=ReasonClass.SOURCE, reason=_with_place(reason, exc), code=HANGS)
    told = exc.__cause__ if isinstance(exc, SourceError) else exc
    told = getattr(told, "orig", None) or told
    reason = _with_place(f"its projection raised {type(told).__name__}", exc)
    said = " ".join(str(told).split()) if text else ""
    return Failure(reason_class=ReasonClass.SOURCE, reason=f"{reason}: {said}" if said else reason, code=RAISED)


def is_interruption(exc: BaseException) -> bool:
    """Whether it is the time limit of a Celery task, which this room does not know by its class."""
    return type(exc).__name__ == "SoftTimeLimitExceeded"


def _with_place(reason: str, exc: Exception) -> str:
    place = place_of(exc)
    return reason if place is None else f"{reason} at {place}"


def place_of(exc: BaseException) -> str | None:
    """The file, line and function of the application that an exception came out of, None where it passed none.

    It is the innermost frame that is neither of this package nor of an installed one; an application that is installed
    itself has the innermost frame that is not of this package.
    """
    # Without the lines of the source, which nobody needs and which would be read from the disk.
    frames = traceback.StackSummary.extract(traceback.walk_tb(exc.__traceback__), lookup_lines=False)
    others = [frame for frame in frames if not _is_in(frame.filename, _OURS)]
    own = [frame for frame in others if not any(_is_in(frame.filename, folder) for folder in _INSTALLED)]
    frame = next(iter([*reversed(own), *reversed(others)]), None)
    return None if frame is None else f"{frame.filename}:{frame.lineno} in {frame.name}"


def _is_in(filename: str, folder: str) -> bool:
    return filename.startswith((folder + "/", "<"))
