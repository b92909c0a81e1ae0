"""What a `Scrypath` offers of works: lists of them, retrying and cancelling by a filter, and what became of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, cast

from .arguments import refuse_unknown
from .declaration.schema import Schema
from .errors import WorkError
from .ledger.selection import Grouping, Order
from .operator.bulk import BulkOptions, BulkResult, Choice, bulk_cancel, bulk_retry
from .operator.failed import PAGE, SHOWN, UNSETTLED, Failed, failed
from .operator.receipt import Receipt, wait_for
from .operator.selection import Listing, member
from .operator.work_detail import Story, story
from .searches import Searches
from .work import State


class Operations(Searches):
    """The works of what is attached to a Celery app and a database."""

    def failed(self, model: Any = None, **which: Unpack[Listing]) -> Failed:
        """One page of dead letters and of what is being retried, of a schema or of all, and how many there are.

        See `Selection` for what they may be chosen by, and `Listing` for how they are listed.

        Raises:
            WorkError: there is no work `after`, or no such state, class or option. LedgerError: the ledger cannot be
                read.
        """
        return self._listed(model, which, SHOWN)

    def works(self, model: Any = None, **which: Unpack[Listing]) -> Failed:
        """The same of works in all states but `succeeded` and `cancelled`, or in the `states` that are named."""
        return self._listed(model, which, UNSETTLED)

    def work(self, id: int) -> Story:
        """The whole story of one work.

        Raises:
            WorkError: there is none. LedgerError: the ledger cannot be read.
        """
        return story(self.runtime, id)

    def retry(self, model: Any = None, **which: Unpack[Choice]) -> BulkResult:
        """Give works to the workers again: those of `ids`, or dead letters that a filter leaves, oldest first.

        See `Selection` for what they may be chosen by, and `BulkOptions` for how it is done. Their ids are taken first.
        Without a filter it needs `all`.

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be retried. LedgerError: the ledger failed.
        """
        return bulk_retry(self.runtime, self._named(model), which, **_how(which))

    def cancel(self, model: Any = None, **which: Unpack[Choice]) -> BulkResult:
        """Give works up, chosen as in `retry`: their documents are not re-synced.

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be cancelled. LedgerError: the ledger failed.
        """
        return bulk_cancel(self.runtime, self._named(model), which, **_how(which))

    def receipt(self, id: int, *, seconds: float = 60.0) -> Receipt:
        """Follow a retried work until its documents were read back from the index, for `seconds` at most."""
        return wait_for(self.runtime, id, seconds=seconds)

    def _named(self, model: Any) -> tuple[Schema, ...] | None:
        return None if model is None else self.schemas.all_of(model)

    def _listed(self, model: Any, which: Listing, states: Sequence[State]) -> Failed:
        refuse_unknown(which, Listing.__optional_keys__, of="a list of works", error=WorkError)
        return failed(
            self.runtime,
            self._named(model),
            which,
            order=member(Order, which.get("order", Order.NEWEST)),
            limit=which.get("limit", PAGE),
            after=which.get("after"),
            by=member(Grouping, which.get("by", Grouping.CLASS)),
            states=states,
        )


def _how(which: Choice) -> BulkOptions:
    refuse_unknown(which, Choice.__optional_keys__, of="a choice of works", error=WorkError)
    return cast("BulkOptions", {name: which.get(name) for name in BulkOptions.__optional_keys__ if name in which})
