"""What a `Scrypath` offers of works: lists of them, retrying and cancelling by a filter, and what became of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast

from .argument_checks import moment, several, whole
from .argument_checks import seconds as time
from .arguments import refuse_unknown
from .declaration.schema import Schema
from .errors import WorkError
from .searches import Searches
from .work import State

if TYPE_CHECKING:
    from .operator.bulk import BulkOptions, BulkResult, Choice
    from .operator.failed import Failed
    from .operator.pause import PausedByHand, Resumed
    from .operator.receipt import Receipt
    from .operator.reconcile import Report
    from .operator.repair import Repair
    from .operator.retry import Retried
    from .operator.selection import Listing, Selection
    from .operator.status import Status
    from .operator.verify import Verification
    from .operator.work_detail import Story
    from .rebuild.runner import Progress

Chosen = TypeVar("Chosen", bound="Selection")

# What operators ask is imported when somebody asks: a worker or a web process starts without it.


class Operations(Searches):
    """The works of what is attached to a Celery app and a database."""

    def failed(self, model: Any = None, **which: Unpack[Listing]) -> Failed:
        """One page of dead letters and of what is being retried, of a schema or of all, and how many there are.

        See `Selection` for what they may be chosen by, and `Listing` for how they are listed.

        Raises:
            WorkError: there is no work `after`, or no such state, class or option. LedgerError: the ledger cannot be
                read.
        """
        from .operator.failed import SHOWN

        return self._listed(model, which, SHOWN)

    def works(self, model: Any = None, **which: Unpack[Listing]) -> Failed:
        """The same of works in all states but `succeeded` and `cancelled`, or in the `states` that are named."""
        from .operator.failed import UNSETTLED

        return self._listed(model, which, UNSETTLED)

    def work(self, id: int) -> Story:
        """The whole story of one work.

        Raises:
            WorkError: there is none. LedgerError: the ledger cannot be read.
        """
        from .operator.work_detail import story

        return story(self.runtime, _id(id))

    def retry(self, model: Any = None, **which: Unpack[Choice]) -> BulkResult:
        """Give works to the workers again: those of `ids`, or dead letters that a filter leaves, oldest first.

        See `Selection` for what they may be chosen by, and `BulkOptions` for how it is done. Their ids are taken first.
        Without a filter it needs `all`.

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be retried. LedgerError: the ledger failed.
        """
        from .operator.bulk import bulk_retry

        return bulk_retry(self.runtime, self._named(model), _checked(which), **_how(which))

    def cancel(self, model: Any = None, **which: Unpack[Choice]) -> BulkResult:
        """Give works up, chosen as in `retry`: their documents are not re-synced.

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be cancelled. LedgerError: the ledger failed.
        """
        from .operator.bulk import bulk_cancel

        return bulk_cancel(self.runtime, self._named(model), _checked(which), **_how(which))

    def receipt(self, id: int, *, seconds: float = 60.0) -> Receipt:
        """Follow a retried work until its documents were read back from the index, for `seconds` at most.

        Raises:
            WorkError: there is no such work, or `seconds` is no time. LedgerError: the ledger cannot be read.
        """
        from .operator.receipt import wait_for

        return wait_for(self.runtime, _id(id), seconds=time("seconds", seconds, error=WorkError))

    def sync_status(self, model: Any = None) -> Status:
        """Where the index of a schema stands, or all; of broker and workers the command `status` speaks."""
        from .operator.status import status

        return status(self.runtime, self._chosen(model))

    def failed_sync_work(self, model: Any = None) -> Failed:
        """Failed and retrying work, of a schema, of all schemas of a class, or of all."""
        from .operator.failed import failed

        return failed(self.runtime, None if model is None else self.schemas.all_of(model))

    def retry_sync_work(self, id: int) -> Retried:
        """Give one failed work to the workers again.

        Raises:
            WorkError: there is none of this id, or it cannot be retried.
        """
        from .operator.retry import retry

        return retry(self.runtime, _id(id))

    def reconcile_sync(self, model: Any = None) -> Report:
        """What differs between database and index, and what to do about it; changes nothing."""
        from .operator.reconcile import reconcile

        return reconcile(self.runtime, self._chosen(model))

    def pause(self, model: Any, *, reason: str, by: str | None = None) -> PausedByHand:
        """Keep the workers off an index until `resume`; writes are captured all the same; see `operator.pause`."""
        from .operator.pause import pause

        return pause(self.runtime, self.schemas.of(model), reason=reason, by=by)

    def resume(self, model: Any) -> Resumed:
        """End the pause of an index that `pause` began."""
        from .operator.pause import resume

        return resume(self.runtime, self.schemas.of(model))

    def verify(
        self, model: Any, *, sample: int | None = None, ledger: bool = True, progress: Progress | None = None
    ) -> Verification:
        """Compare database and index document by document (about `sample` of them); see `operator.verify`.

        Raises:
            ConfigError: `sample` is no number. SchemaError: no such schema.
        """
        from .operator.verify import verify

        sample = None if sample is None else whole("sample", sample, least=1)
        return verify(self.runtime, self.schemas.of(model), sample=sample, ledger=ledger, progress=progress)

    def repair(
        self,
        model: Any,
        *,
        dry_run: bool = False,
        allow_mass_delete: bool = False,
        progress: Progress | None = None,
    ) -> Repair:
        """Verify an index and give exactly what differs to the workers; see `operator.repair`."""
        from .operator.repair import repair

        return repair(
            self.runtime,
            self.schemas.of(model),
            dry_run=dry_run,
            allow_mass_delete=allow_mass_delete,
            progress=progress,
        )

    def _chosen(self, model: Any) -> list[Schema]:
        return list(self.schemas) if model is None else list(self.schemas.all_of(model))

    def _named(self, model: Any) -> tuple[Schema, ...] | None:
        return None if model is None else self.schemas.all_of(model)

    def _listed(self, model: Any, which: Listing, states: Sequence[State]) -> Failed:
        from .ledger.selection import Grouping, Order
        from .operator.failed import PAGE, failed
        from .operator.selection import Listing, member

        refuse_unknown(which, Listing.__optional_keys__, of="a list of works", error=WorkError)
        return failed(
            self.runtime,
            self._named(model),
            _checked(which),
            order=member(Order, which.get("order", Order.NEWEST)),
            limit=_limit(which.get("limit", PAGE)),
            after=None if which.get("after") is None else _id(which["after"]),
            by=member(Grouping, which.get("by", Grouping.CLASS)),
            states=states,
        )


def _how(which: Choice) -> BulkOptions:
    from .operator.bulk import BulkOptions, Choice

    refuse_unknown(which, Choice.__optional_keys__, of="a choice of works", error=WorkError)
    _limit(which.get("limit"))
    return cast("BulkOptions", {name: which.get(name) for name in BulkOptions.__optional_keys__ if name in which})


def _checked(which: Chosen) -> Chosen:
    """The same choice of works, its lists and dates being such.

    Raises:
        WorkError: they are not.
    """
    found: dict[str, Any] = dict(which)
    for name in ("ids", "states"):
        if found.get(name) is not None:
            found[name] = several(name, found[name], error=WorkError)
    for name in ("since", "until"):
        if found.get(name) is not None:
            moment(name, found[name], error=WorkError)
    found |= {"ids": [_id(one) for one in found["ids"]]} if found.get("ids") is not None else {}
    return cast("Chosen", found)


def _id(id: Any) -> int:
    return whole("the id of a work", id, error=WorkError)


def _limit(limit: Any) -> int | None:
    return None if limit is None else whole("limit", limit, least=1, error=WorkError)
