"""The order of the hits: the ranking rules of an index, one after the other, as far as hits are wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .exactness import ExactAttribute, ExactWords
from .forms import Forms
from .paths import Level
from .rules import (
    Bucket,
    Detail,
    Rank,
    Rule,
    Words,
    attribute_rank,
    proximity,
    typo,
    word_position,
)
from .sorting import Criterion, once, rule_of


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document in its place, with how it did by each rule."""

    slot: int
    details: tuple[Detail, ...]

    @property
    def score(self) -> float:
        """All ranks as one number from 0 to 1; orders by value do not count."""
        return score(self.details)


def score(details: Sequence[Detail]) -> float:
    """All ranks as one number from 0 to 1, the earlier rule weighing more than all later ones together."""
    rank, of = 1, 1
    for one in details:
        if isinstance(one, Rank):
            rank, of = (rank - 1) * one.of + one.rank, of * one.of
    return rank / of


@dataclass(frozen=True, slots=True)
class Group:
    """Documents that rank alike, in the internal order, with how they did by each rule."""

    slots: Sequence[int]
    details: tuple[Detail, ...]


def grouped(
    rules: Sequence[Rule], bucket: Bucket, *, scored: bool, details: tuple[Detail, ...] = ()
) -> Iterator[Group]:
    """The documents of a bucket from the best to the last, found as they are asked for."""
    slots = bucket.slots
    if not rules or (len(slots) == 1 and not scored):
        if slots:
            yield Group(sorted(slots), details)
        return
    for detail, part in rules[0].split(bucket):
        yield from grouped(rules[1:], part, scored=scored, details=(*details, detail))


def without_words(forms: Forms, sort: Sequence[Criterion]) -> list[Rule]:
    """The rules for a search that has no words: only those that order by values."""
    rules = once(forms.settings["rankingRules"], sort)
    return [rule_of(one, forms) for one in rules if isinstance(one, Criterion)]


def with_words(
    forms: Forms,
    sort: Sequence[Criterion],
    levels: list[Level],
    phrased: int,
    *,
    all_words: bool,
    fields: Collection[int] | None,
) -> list[Rule]:
    """The rules for a search with words. `words` comes before all that look at words, named or not.

    With `all_words` it does not come at all: every document has them. `fields` are those that are searched, None for
    all of them.
    """
    rules: list[Rule] = []
    has_words, best = all_words, False
    named = list(once(forms.settings["rankingRules"], sort))
    for one in named:
        if isinstance(one, Criterion):
            rules.append(rule_of(one, forms))
            continue
        if not has_words:
            rules.append(Words(levels, phrased))
            has_words = True
        rules += _textual(one, forms, fields, best=best, last=one is named[-1])
        best = best or one == "typo"
    return rules


def _textual(name: str, forms: Forms, fields: Collection[int] | None, *, best: bool, last: bool) -> list[Rule]:
    match name:
        case "typo":
            return [typo()]
        case "proximity":
            return [proximity(forms.settings["proximityPrecision"] == "byWord", best=best)]
        case "attribute":
            return [attribute_rank(forms.textual, best=best), word_position(best=best)]
        case "attributeRank":
            return [attribute_rank(forms.textual, best=best)]
        case "wordPosition":
            return [word_position(best=best)]
        case "exactness":
            return [ExactAttribute(forms.textual, fields, best=best), ExactWords(last=last)]
    return []


def bucket_of(levels: Sequence[Level]) -> Bucket:
    """All documents of a query, whatever they fulfil of it."""
    return Bucket(tuple((path, slots) for level in levels for path, slots in level.ways))


def bucket_without_words(slots: AbstractSet[int]) -> Bucket:
    """Documents that no words were asked of."""
    return Bucket(((None, slots),))
