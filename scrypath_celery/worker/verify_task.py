"""The Celery task `scrypath.verify`, for beat: a verification whose result `status` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ..errors import NotUnderstood, ScrypathError

if TYPE_CHECKING:
    from celery import Celery

    from ..operator.verify import Verification

VERIFY = "scrypath.verify"


class Verifier(Protocol):
    """What the task needs of the `Scrypath` that it belongs to."""

    def verify(self, model: Any, *, sample: int | None = None) -> Verification: ...


def register_verify(app: Celery, owner: Verifier, common: dict[str, Any]) -> None:
    """Register the task with an app; `common` are the options that all of our tasks have."""

    def verify(*args: Any, **kwargs: Any) -> dict[str, Any]:
        name, sample = _understood(args, kwargs)
        found = owner.verify(name, sample=sample)
        return {"schema": found.schema, "index": found.index, "complete": found.complete, **found.counts}

    # A verification that is lost with its worker is not worth a second one: the next is scheduled.
    own = {"acks_late": False, "reject_on_worker_lost": False, "throws": (ScrypathError,)}
    app.task(name=VERIFY, **{**common, **own})(verify)


def _understood(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, int | None]:
    sample = kwargs.get("sample")
    known = not kwargs.keys() - {"sample"} and (sample is None or (isinstance(sample, int) and sample > 0))
    if len(args) != 1 or not isinstance(args[0], str) or not known or isinstance(sample, bool):
        raise NotUnderstood(f"{VERIFY} takes the name of a schema, and sample= (a whole number from 1 on) if any")
    return args[0], sample
