"""The part of the hits that is asked for, without those alike by an attribute or below a score; how many there are.

As in the engine the number is an estimate: it knows only of what was looked at on the way to the end of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from .column import Column
from .ranking import Group, Ranked, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which hits: `count` from `start` on, one for each value of `column`, with at least the score `threshold`.

    With `exact` the number of all has to be right, among the best `most`. With `blanks` an empty text is a
    value too, but as in the engine only among the hits up to the end of the page.
    """

    start: int
    count: int
    exact: bool = False
    most: int = 0
    column: Column | None = None
    blanks: bool = False
    threshold: float | None = None

    def cut(
        self, groups: Iterator[Group], slots: AbstractSet[int], *, ranked: bool
    ) -> tuple[list[Ranked], AbstractSet[int]]:
        """The hits of the page, and all documents that count. `ranked` is False where no rule puts them in order."""
        found = _Cut(self, slots)
        if len(slots) >= self.start or self.threshold is not None:
            wanted = self.most if self.exact and self.threshold is not None and ranked else self.count
            for group in groups if wanted else ():
                found.take(group, ranked=ranked)
                if len(found.kept) - self.start >= wanted:
                    break
        kept = found.kept[: self.start + self.count]
        if self.column is not None and self.blanks:
            again = _blanks(self.column, kept)
            found.gone |= again
            kept = [one for one in kept if one.slot not in again]
        page = kept[self.start :]
        left = slots - found.gone
        if self.exact and self.column is not None:
            return page, _single(self.column, left)
        return page, left


@dataclass(slots=True)
class _Cut:
    page: Page
    slots: AbstractSet[int]
    kept: list[Ranked] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    seen: set[str | float] = field(default_factory=set)

    def take(self, group: Group, *, ranked: bool) -> None:
        """Take the documents of a group that rank alike; those that nothing ranks are looked at one by one."""
        page = self.page
        threshold, column = page.threshold, page.column
        if threshold is not None and ranked and score(group.details) < threshold:
            self.gone.update(group.slots)
            return
        for slot in group.slots:
            if not ranked and len(self.kept) >= page.start + page.count:
                break
            if column is not None:
                if slot in self.gone:
                    continue
                fresh = [value for value in column.values(slot) if value not in self.seen]
                self.seen.update(fresh)
                for value in fresh:
                    self.gone.update(column.holding(value) & self.slots)
                self.gone.discard(slot)
            self.kept.append(Ranked(slot, group.details))


def _blanks(column: Column, page: list[Ranked]) -> set[int]:
    """The hits that have an empty text, but for the first."""
    return {one.slot for one in [one for one in page if column.is_blank(one.slot)][1:]}


def _single(column: Column, slots: AbstractSet[int]) -> AbstractSet[int]:
    """The first document of each value."""
    seen: set[str | float] = set()
    kept: set[int] = set()
    for slot in sorted(slots):
        values = column.values(slot)
        if seen.isdisjoint(values):
            kept.add(slot)
            seen.update(values)
    return kept
