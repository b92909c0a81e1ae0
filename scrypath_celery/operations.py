"""What a `Scrypath` offers of works: lists of them, retrying and cancelling by a filter, and what became of one."""

from __future__ import annotations

from typing import Any, Unpack

from .declaration.schema import Schema
from .ledger.selection import Grouping, Order
from .operator.bulk import BulkResult, Progress, bulk_cancel, bulk_retry
from .operator.failed import PAGE, UNSETTLED, Failed, failed
from .operator.receipt import Receipt, wait_for
from .operator.selection import AnyGrouping, AnyOrder, Selection, member
from .operator.work_detail import Story, story
from .searches import Searches


class Operations(Searches):
    """The works of what is attached to a Celery app and a database."""

    def failed(
        self,
        model: Any = None,
        *,
        order: AnyOrder = Order.NEWEST,
        limit: int | None = PAGE,
        after: int | None = None,
        by: AnyGrouping = Grouping.CLASS,
        **chosen: Unpack[Selection],
    ) -> Failed:
        """One page of dead letters and of what is being retried, of a schema or of all, and how many there are.

        `limit` is the most rows (None: all), `after` the `next` of the page before; `by` counts them by `code`,
        `schema` or `hour` too. See `Selection` for what they may be chosen by.

        Raises:
            WorkError: there is no work `after`, or no such state or class. LedgerError: the ledger cannot be read.
        """
        return failed(
            self.runtime,
            self._named(model),
            chosen,
            order=member(Order, order),
            limit=limit,
            after=after,
            by=member(Grouping, by),
        )

    def works(
        self,
        model: Any = None,
        *,
        order: AnyOrder = Order.NEWEST,
        limit: int | None = PAGE,
        after: int | None = None,
        by: AnyGrouping = Grouping.CLASS,
        **chosen: Unpack[Selection],
    ) -> Failed:
        """The same of works in all states but `succeeded` and `cancelled`, or in the `states` that are named."""
        return failed(
            self.runtime,
            self._named(model),
            chosen,
            order=member(Order, order),
            limit=limit,
            after=after,
            by=member(Grouping, by),
            states=UNSETTLED,
        )

    def work(self, id: int) -> Story:
        """The whole story of one work.

        Raises:
            WorkError: there is none. LedgerError: the ledger cannot be read.
        """
        return story(self.runtime, id)

    def retry(
        self,
        model: Any = None,
        *,
        all: bool = False,
        limit: int | None = None,
        dry_run: bool = False,
        by: str | None = None,
        progress: Progress | None = None,
        **chosen: Unpack[Selection],
    ) -> BulkResult:
        """Give works to the workers again: those of `ids`, or dead letters that a filter leaves, oldest first.

        Their ids are taken first. Without a filter it needs `all`. `by` is who did it, as the ledger keeps it
        (default: user and host of this process).

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be retried. LedgerError: the ledger failed.
        """
        return bulk_retry(
            self.runtime,
            self._named(model),
            chosen,
            all=all,
            limit=limit,
            dry_run=dry_run,
            by=by,
            progress=progress,
        )

    def cancel(
        self,
        model: Any = None,
        *,
        all: bool = False,
        limit: int | None = None,
        dry_run: bool = False,
        by: str | None = None,
        progress: Progress | None = None,
        **chosen: Unpack[Selection],
    ) -> BulkResult:
        """Give works up, chosen as in `retry`: their documents are not re-synced.

        Raises:
            WorkError: no filter and not `all`, or a state that cannot be cancelled. LedgerError: the ledger failed.
        """
        return bulk_cancel(
            self.runtime,
            self._named(model),
            chosen,
            all=all,
            limit=limit,
            dry_run=dry_run,
            by=by,
            progress=progress,
        )

    def receipt(self, id: int, *, seconds: float = 60.0) -> Receipt:
        """Follow a retried work until its documents were read back from the index, for `seconds` at most."""
        return wait_for(self.runtime, id, seconds=seconds)

    def _named(self, model: Any) -> tuple[Schema, ...] | None:
        return None if model is None else self.schemas.all_of(model)
