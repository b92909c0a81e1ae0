"""Records that nobody deleted and that are not seen: a worker that reads too little must not empty an index."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SourceError
from ..work import Failure, Operation, ReasonClass, Scope
from .claim_run import ClaimRun, Stopped

REQUEUED = "requeued"
"""The state in the history of a work that was written to re-sync ids, by no call: of it nothing is expected."""


def refuse_unexpected_deletions(run: ClaimRun, gone: Sequence[str]) -> None:
    """Stop before a claim deletes many documents whose calls asked for them to be indexed.

    Such a record may be deleted by now; many at once are more likely not seen by the session that workers read with.
    Records that `index_if` keeps out of the index are not counted.

    Raises:
        Stopped: they are more than the cap; the index is paused with that reason.
    """
    options, asked = run.runtime.options, _asked_to_index(run)
    unseen = [id for id in gone if id in asked]
    cap = max(options.mass_delete_count, int(len(asked) * options.mass_delete_share))
    if len(unseen) <= cap or run.to_target:
        return
    try:
        unseen = [id for id in unseen if id not in run.runtime.source.kept_out(run.schema, unseen)]
    except SourceError as exc:
        raise Stopped(
            Failure(scope=Scope.DATABASE, reason_class=ReasonClass.SOURCE, reason=str(exc), code=exc.code)
        ) from exc
    if len(unseen) > cap:
        text = (
            f"{len(unseen)} of {len(asked)} records of {run.schema.name} that were to be indexed are not seen by the"
            f" workers, which would delete their documents (cap {cap}): give read_session= a session that sees all"
            " records, or raise mass_delete_count"
        )
        raise Stopped(
            Failure(scope=Scope.DATABASE, reason_class=ReasonClass.SOURCE, reason=text, code="unexpected_deletions")
        )


def _asked_to_index(run: ClaimRun) -> set[str]:
    """The ids that calls asked to be indexed, and none to be deleted."""
    calls = [work for work in run.claim.works if not any(note.get("state") == REQUEUED for note in work.history)]
    asked = {id for work in calls if work.operation is Operation.UPSERT for id in work.ids}
    return asked - {id for work in run.claim.works if work.operation is not Operation.UPSERT for id in work.ids}
