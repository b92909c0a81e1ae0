"""One document for each value of an attribute: the best ranked."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from scrypath_celery.embedded.search.column import Column
from scrypath_celery.embedded.search.forms import Forms
from scrypath_celery.embedded.search.ranking import Ranked


class Distinct:
    """Leaves out documents that share a value with a better one; those without a value all stay."""

    def __init__(self, column: Column) -> None:
        self._column = column

    @classmethod
    def of(cls, attribute: str | None, forms: Forms) -> Distinct | None:
        """By an attribute, if there is one."""
        return None if attribute is None else cls(forms.column(attribute))

    def page(
        self, ranked: Iterable[Ranked], slots: AbstractSet[int], start: int, count: int, *, exact: bool
    ) -> tuple[list[Ranked], int]:
        """The documents from `start` on, `count` of them, and how many there are.

        As the engine does, the number is an estimate unless `exact`: it knows only of the duplicates of what it saw.
        """
        seen: set[str | float] = set()
        kept: list[Ranked] = []
        for one in ranked:
            if len(kept) >= start + count and not exact:
                break
            values = self._column.values(one.slot)
            if seen.isdisjoint(values):
                seen.update(values)
                kept.append(one)
        total = len(kept) if exact else len(slots) - self._duplicates(slots, kept, seen)
        return kept[start : start + count], total

    def _duplicates(self, slots: AbstractSet[int], kept: list[Ranked], seen: set[str | float]) -> int:
        holding = sum(not seen.isdisjoint(self._column.values(slot)) for slot in slots)
        return holding - sum(1 for one in kept if self._column.values(one.slot))
