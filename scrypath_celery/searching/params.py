"""At the edge of a request: from a query string to the arguments of a search, and back into a URL.

The vocabulary of a query string, for a schema with the fields `status`, `price` and `tags`:

- `q`, `page`, `per_page` and `sort` (`sort=-price`, repeated for several fields);
- `status=draft&status=published` chooses among facets (any of them), of fields that can be counted by;
- `price.gte=10&price.lt=20` compares, `tags.all=a&tags.all=b` asks for all, `title.exists=true` for presence.

Names that no schema declares are left alone: they are another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from .capabilities import Capabilities, ValueKind
from .query.body import DEFAULT_PER_PAGE
from .query.literals import number
from .query.options import RequestOptions

OPERATORS = ("gt", "gte", "lt", "lte", "ne", "in", "not_in", "all", "exists", "null")
"""What may follow the name of a field and a dot."""

LISTS = frozenset({"in", "not_in", "all"})
FLAGS = frozenset({"exists", "null"})
MAX_VALUES = 100
MAX_TEXT = 1_000


@dataclass(frozen=True, kw_only=True)
class SearchParams:
    """What a request asks for, as far as it can be asked.

    `search.search(Post, params.q, session=session, **params.options)` searches for it.
    `errors` says by parameter what could not be understood, `attempted` holds all that was given, so that a form can
    show it again. What was wrong is left out of the search, and everything else is kept.
    """

    q: str = ""
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    sort: tuple[str, ...] = ()
    filter: Mapping[str, Any] = field(default_factory=dict)
    facet_filter: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    attempted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_per_page: int = DEFAULT_PER_PAGE

    @classmethod
    def from_query(
        cls,
        query: Any,
        capabilities: Capabilities,
        *,
        per_page: int = DEFAULT_PER_PAGE,
        max_per_page: int = 100,
        sorts: Sequence[str] | None = None,
    ) -> SearchParams:
        """Read a query string: Flask's `request.args`, Starlette's `request.query_params`, or any mapping.

        Values are text, or lists of text for repeated keys. `capabilities` are those of the class that is searched.
        `sorts` are the fields that may be sorted by (all that are declared sortable, where left out).
        """
        return _Reader(capabilities, per_page, max_per_page, sorts).read(_given(query))

    @property
    def valid(self) -> bool:
        """Whether all that was given was understood."""
        return not self.errors

    @property
    def options(self) -> RequestOptions:
        """The arguments of a search beside its query."""
        found: RequestOptions = {"page": self.page, "per_page": self.per_page}
        if self.sort:
            found["sort"] = list(self.sort)
        if self.filter:
            found["filter"] = dict(self.filter)
        if self.facet_filter:
            found["facet_filter"] = dict(self.facet_filter)
        return found

    def is_chosen(self, facet: str, value: Any) -> bool:
        """Whether a value of a facet is among those that were chosen; values compare by their text."""
        return _text(value) in map(_text, self.facet_filter.get(facet, ()))

    def toggled(self, facet: str, value: Any) -> SearchParams:
        """The same search with a value of a facet chosen, or not chosen any more, on its first page."""
        chosen = list(self.facet_filter.get(facet, ()))
        kept = [one for one in chosen if _text(one) != _text(value)]
        if len(kept) == len(chosen):
            kept.append(value)
        facets = {name: values for name, values in self.facet_filter.items() if name != facet}
        return replace(self, facet_filter={**facets, **({facet: kept} if kept else {})}, page=1)

    def with_page(self, page: int) -> SearchParams:
        """The same search on another page."""
        return replace(self, page=page)

    def to_query(self) -> str:
        """The search as a query string, without what is the default anyway: `q=red&status=draft&page=2`."""
        return urlencode(list(self._pairs()))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.q:
            yield "q", self.q
        for facet, values in self.facet_filter.items():
            for value in values:
                yield facet, _text(value)
        for name, operators in self.filter.items():
            for operator, value in operators.items():
                for one in value if operator in LISTS else [value]:
                    yield f"{name}.{operator}", _text(one)
        for item in self.sort:
            yield "sort", item
        if self.per_page != self.default_per_page:
            yield "per_page", str(self.per_page)
        if self.page != 1:
            yield "page", str(self.page)


class _Reader:
    """Reads one query string, and notes what it cannot understand."""

    def __init__(
        self, capabilities: Capabilities, per_page: int, max_per_page: int, sorts: Sequence[str] | None
    ) -> None:
        self._can = capabilities
        self._per_page, self._max = per_page, max_per_page
        self._sorts = tuple(capabilities.sortable if sorts is None else sorts)
        self._errors: dict[str, str] = {}

    def read(self, given: Mapping[str, tuple[str, ...]]) -> SearchParams:
        filter: dict[str, dict[str, Any]] = {}
        facets: dict[str, list[Any]] = {}
        for key, texts in given.items():
            name, _, operator = key.rpartition(".")
            if key in self._can.facetable:
                values = self._values(key, key, texts)
                if values:
                    facets[key] = values
            elif operator in OPERATORS and name in self._can.filterable:
                self._operator(filter, name, operator, key, texts)
        q = given.get("q", ("",))[-1]
        if len(q) > MAX_TEXT:
            self._errors["q"] = f"must be at most {MAX_TEXT} characters"
            q = q[:MAX_TEXT]
        return SearchParams(
            q=q,
            page=self._whole(given, "page", 1, 1_000_000),
            per_page=self._whole(given, "per_page", self._per_page, self._max),
            sort=self._order(given.get("sort", ())),
            filter=filter,
            facet_filter=facets,
            errors=self._errors,
            attempted=given,
            default_per_page=self._per_page,
        )

    def _operator(
        self, filter: dict[str, dict[str, Any]], name: str, operator: str, key: str, texts: tuple[str, ...]
    ) -> None:
        texts = tuple(text for text in texts if text)  # a field of a form that was left empty asks nothing
        if not texts:
            return
        if operator in FLAGS:
            values = self._values(key, name, texts[-1:], kind="boolean")
        else:
            values = self._values(key, name, texts if operator in LISTS else texts[-1:])
        if values:
            filter.setdefault(name, {})[operator] = values if operator in LISTS else values[0]

    def _values(self, key: str, name: str, texts: Sequence[str], *, kind: ValueKind | None = None) -> list[Any]:
        if len(texts) > MAX_VALUES:
            self._errors[key] = f"must be at most {MAX_VALUES} values"
            return []
        kind = kind or self._can.kinds.get(name, "unknown")
        choices = self._can.choices.get(name, ())
        found = []
        for text in texts:
            try:
                if not text:
                    continue
                if kind == "choice" and text not in choices:
                    self._errors[key] = f"must be one of {', '.join(choices)}"
                    continue
                found.append(_READ[kind](text))
            except ValueError:
                self._errors[key] = _WANTED[kind]
        return found

    def _whole(self, given: Mapping[str, tuple[str, ...]], key: str, default: int, most: int) -> int:
        text = given.get(key, ("",))[-1].strip()
        if not text:
            return default
        if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= most:
            self._errors[key] = f"must be a whole number from 1 to {most}"
            return default
        return int(text)

    def _order(self, items: Sequence[str]) -> tuple[str, ...]:
        found = []
        for item in filter(None, items):
            name = item.removeprefix("-").removesuffix(":asc").removesuffix(":desc")
            if name not in self._sorts:
                self._errors["sort"] = f"must be one of {', '.join(self._sorts)}, with - in front for descending"
            else:
                found.append(item)
        return tuple(found)


def _given(query: Any) -> dict[str, tuple[str, ...]]:
    """All that was given, by key: repeated keys keep all their values, whatever mapping holds them."""
    for method in ("getlist", "getall"):
        several = getattr(query, method, None)
        if callable(several):
            return {str(key): tuple(map(str, several(key))) for key in dict.fromkeys(query.keys())}
    found: dict[str, tuple[str, ...]] = {}
    for key, value in cast("Mapping[str, Any]", query).items():
        found[str(key)] = (value,) if isinstance(value, str) else tuple(map(str, value))
    return found


def _flag(text: str) -> bool:
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError(text)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _moment(text: str) -> date:
    return datetime.fromisoformat(text) if len(text) > len("2026-05-01") else date.fromisoformat(text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


_READ: Mapping[ValueKind, Callable[[str], Any]] = {
    "text": str,
    "choice": str,
    "unknown": str,
    "number": number,
    "boolean": _flag,
    "date": _day,
    "datetime": _moment,
    "uuid": UUID,
}

_WANTED: Mapping[ValueKind, str] = {
    "number": "must be a number",
    "boolean": "must be true or false",
    "date": "must be a date such as 2026-05-01",
    "datetime": "must be a date or a time such as 2026-05-01T12:00:00",
    "uuid": "must be a UUID",
}
