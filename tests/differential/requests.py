"""Generated requests of every kind; some of them are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.differential.material import COLOURS, WORDS, Material

_ATTRIBUTES = ("id", "title", "body", "tags", "o", "o.p", "o.q", "n", "c", "d", "_geo", "nope", "*")


@dataclass(frozen=True)
class Asked:
    """One request: its kind (what agreement is counted by), method, path and body."""

    kind: str
    method: str
    path: str
    body: Any


class Requests:
    """Requests about one index."""

    def __init__(self, chance: Random, uid: str) -> None:
        self._chance, self._uid = chance, uid
        self._material = Material(chance)
        self._makers: dict[str, Callable[[], Asked]] = {
            "words": self._words,
            "placeholder": self._placeholder,
            "filters": self._filters,
            "facets": self._facets,
            "distinct": self._distinct,
            "facet search": self._facet_search,
            "shown": self._shown,
            "documents": self._documents,
            "several": self._several,
            "federation": self._federation,
            "fields": self._fields,
            "wrong": self._wrong,
            "settings": self._settings,
        }

    def make(self) -> Asked:
        """A request of any kind; words are asked for most often."""
        kinds = list(self._makers)
        kind = self._chance.choices(
            kinds, [8 if kind == "words" else 1 if kind in ("fields",) else 2 for kind in kinds]
        )
        return self._makers[kind[0]]()

    def _search(self, kind: str, body: dict[str, Any]) -> Asked:
        return Asked(kind, "POST", f"/indexes/{self._uid}/search", body)

    def query(self) -> str:
        """A text that a person might type, or a machine."""
        chance, material = self._chance, self._material
        words = [material.word() for _ in range(chance.choice((1, 1, 1, 2, 2, 2, 3, 3, 4)))]
        if chance.random() < 0.3:
            words[-1] = words[-1][: chance.randint(1, 4)]
        if chance.random() < 0.2:
            at = chance.randrange(len(words))
            words[at] = material.wrong(words[at])
        text = " ".join(words)
        kind = chance.random()
        if kind < 0.08:
            return f'"{text}"'
        if kind < 0.14:
            return f'"{text}" {material.word()}'
        if kind < 0.18:
            return f"{text} -{material.word()}"
        if kind < 0.22:
            return f'{material.word()} -"{text}"'
        if kind < 0.28:
            return material.text(4)
        return f"{text} " if kind < 0.34 else text

    def _some(self, names: tuple[str, ...] = _ATTRIBUTES) -> list[str]:
        return self._chance.sample(names, self._chance.randint(1, 3))

    def _words(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {"q": self.query()}
        extras: dict[str, Callable[[], Any]] = {
            "matchingStrategy": lambda: chance.choice(("last", "all", "frequency")),
            "attributesToSearchOn": lambda: self._some(("title", "body", "tags", "o.p", "o", "*", "t*")),
            "filter": self.filter,
            "sort": self.sort,
            "limit": lambda: chance.choice((1, 2, 5, 100)),
            "offset": lambda: chance.choice((0, 1, 3)),
            "rankingScoreThreshold": lambda: chance.choice((0.1, 0.5, 0.9)),
            "hitsPerPage": lambda: chance.choice((1, 4)),
        }
        for name, make in extras.items():
            if chance.random() < (0.4 if name == "matchingStrategy" else 0.06):
                body[name] = make()
        return self._search("words", body)

    def _placeholder(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {}
        makers: dict[str, Callable[[], Any]] = {
            "sort": self.sort,
            "filter": self.filter,
            "offset": lambda: chance.randint(0, 4),
            "limit": lambda: chance.randint(0, 9),
            "page": lambda: chance.randint(0, 3),
            "hitsPerPage": lambda: chance.randint(0, 4),
        }
        for name, make in makers.items():
            if chance.random() < 0.35:
                body[name] = make()
        return self._search("placeholder", body)

    def sort(self) -> list[str]:
        """One or two criteria."""
        names = ("n", "c", "d", "o.q", "_geoPoint(10, 20)")
        return [f"{name}:{self._chance.choice(('asc', 'desc'))}" for name in self._chance.sample(names, 2)][
            : self._chance.randint(1, 2)
        ]

    def condition(self) -> str:
        """One condition of a filter."""
        chance = self._chance
        name = chance.choice(("n", "c", "d", "o.p", "o.q", "o", "title", "id" if chance.random() < 0.1 else "n"))
        value = chance.choice((*COLOURS, "2", "3.5", "10", "-1", chance.choice(WORDS)))
        value = value if value and value.replace(".", "").replace("-", "").isalnum() else f"'{value}'"
        return chance.choice(
            (
                f"{name} = {value}",
                f"{name} != {value}",
                f"{name} > {value}",
                f"{name} <= {value}",
                f"{name} {value} TO {chance.choice((20, 'zz'))}",
                f"{name} IN [{value}, blue, 1]",
                f"{name} NOT IN [{value}]",
                f"{name} EXISTS",
                f"{name} NOT EXISTS",
                f"{name} IS NULL",
                f"{name} IS NOT NULL",
                f"{name} IS EMPTY",
                f"{name} IS NOT EMPTY",
                f"{name} STARTS WITH {value}",
                f"NOT {name} = {value}",
                "_geoRadius(10, 20, 4000000)",
                "_geoBoundingBox([60, 60], [-20, -60])",
            )
        )

    def filter(self) -> Any:
        """A filter as a text or as arrays."""
        chance = self._chance
        if chance.random() < 0.3:
            return [self.condition(), [self.condition(), self.condition()]][: chance.randint(1, 2)]
        first, second = self.condition(), self.condition()
        return chance.choice((first, f"{first} AND {second}", f"{first} OR {second}", f"NOT ({first} OR {second})"))

    def _filters(self) -> Asked:
        return self._search("filters", {"filter": self.filter(), "limit": 100})

    def _facets(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {"facets": self._some(("n", "c", "d", "o", "o.p", "title", "*", "_geo"))}
        if chance.random() < 0.4:
            body["q"] = self.query()
        if chance.random() < 0.3:
            body["distinct"] = chance.choice(("d", "c", "n"))
        if chance.random() < 0.3:
            body["filter"] = self.filter()
        return self._search("facets", body | {"limit": chance.choice((0, 2, 20))})

    def _distinct(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {"distinct": chance.choice(("d", "c", "n", "o.p"))}
        if chance.random() < 0.4:
            body["q"] = self.query()
        if chance.random() < 0.4:
            body["sort"] = self.sort()
        body |= chance.choice(({}, {"limit": 2}, {"offset": 1, "limit": 3}, {"hitsPerPage": 2, "page": 2}))
        return self._search("distinct", body)

    def _facet_search(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {"facetName": chance.choice(("c", "d", "o.p", "title", "n"))}
        if chance.random() < 0.8:
            value = chance.choice((*COLOURS, *WORDS))
            body["facetQuery"] = value[: chance.randint(1, 6)] if chance.random() < 0.6 else value
        if chance.random() < 0.3:
            body["q"] = self.query()
        if chance.random() < 0.3:
            body["filter"] = self.filter()
        return Asked("facet search", "POST", f"/indexes/{self._uid}/facet-search", body)

    def _shown(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {"q": self.query() if chance.random() < 0.9 else ""}
        makers: dict[str, Callable[[], Any]] = {
            "attributesToRetrieve": self._some,
            "attributesToHighlight": self._some,
            "attributesToCrop": lambda: [
                f"{one}:{chance.randint(0, 5)}" if chance.random() < 0.5 else one for one in self._some()
            ],
            "cropLength": lambda: chance.randint(0, 6),
            "cropMarker": lambda: chance.choice(("", "~")),
            "showMatchesPosition": lambda: True,
        }
        for name, make in makers.items():
            if chance.random() < 0.5:
                body[name] = make()
        return self._search("shown", body)

    def _documents(self) -> Asked:
        chance = self._chance
        body: dict[str, Any] = {}
        makers: dict[str, Callable[[], Any]] = {
            "fields": self._some,
            "ids": lambda: [chance.randint(0, 40) for _ in range(3)],
            "filter": self.filter,
            "sort": self.sort,
            "offset": lambda: chance.randint(0, 4),
            "limit": lambda: chance.randint(0, 9),
        }
        for name, make in makers.items():
            if chance.random() < 0.35:
                body[name] = make()
        return Asked("documents", "POST", f"/indexes/{self._uid}/documents/fetch", body)

    def _query(self) -> dict[str, Any]:
        body: dict[str, Any] = {"indexUid": self._uid}
        if self._chance.random() < 0.7:
            body["q"] = self.query()
        if self._chance.random() < 0.2:
            body["filter"] = self.filter()
        if self._chance.random() < 0.1:
            body["sort"] = self.sort()
        return body

    def _several(self) -> Asked:
        queries = [self._query() | {"showRankingScoreDetails": True} for _ in range(2)]
        return Asked("several", "POST", "/multi-search", {"queries": queries})

    def _federation(self) -> Asked:
        chance = self._chance
        queries = [self._query() for _ in range(chance.randint(1, 2))]
        for query in queries:
            if chance.random() < 0.3:
                query["federationOptions"] = {"weight": chance.choice((0.5, 1.0, 2.0))}
        federation: dict[str, Any] = {}
        makers: dict[str, Callable[[], Any]] = {
            "distinct": lambda: chance.choice(("d", "c")),
            "facetsByIndex": lambda: {self._uid: self._some(("n", "c", "d"))},
            "mergeFacets": lambda: {"maxValuesPerFacet": 5},
            "limit": lambda: chance.randint(0, 5),
            "offset": lambda: chance.randint(0, 3),
        }
        for name, make in makers.items():
            if chance.random() < 0.25:
                federation[name] = make()
        return Asked("federation", "POST", "/multi-search", {"federation": federation, "queries": queries})

    def _fields(self) -> Asked:
        filter = self._chance.choice(
            (None, {"sortable": True}, {"searchable": False}, {"displayed": True}, {"attributePatterns": ["o*"]})
        )
        body = {"limit": 100} if filter is None else {"limit": 100, "filter": filter}
        return Asked("fields", "POST", f"/indexes/{self._uid}/fields", body)

    def _wrong(self) -> Asked:
        chance = self._chance
        wrongs: dict[str, tuple[Any, ...]] = {
            "q": (1, ["x"]),
            "limit": (-1, "x", 1.5),
            "page": (-1, "x"),
            "filter": ("n =", "nope = 1", 5, ["n = 1", [[]]], "n = 1 AND", "_geo = 1", "_geoRadius(1, 2)"),
            "sort": (["n"], ["nope:asc"], "n:asc", ["_geoPoint(1):asc"]),
            "facets": (["nope"], "n"),
            "distinct": ("nope", 1),
            "attributesToSearchOn": (["nope"], "title"),
            "matchingStrategy": ("any", 1),
            "locales": (["xx"], ["eng"], "eng"),
            "rankingScoreThreshold": (2, "x"),
            "attributesToCrop": ("title", [1]),
            "nope": (1,),
            "hybrid": ({}, {"embedder": "x"}),
        }
        body: dict[str, Any] = {"q": self.query()}
        for name in chance.sample(list(wrongs), chance.randint(1, 3)):
            body[name] = chance.choice(wrongs[name])
        return self._search("wrong", body)

    def _settings(self) -> Asked:
        chance = self._chance
        wrongs: dict[str, tuple[Any, ...]] = {
            "rankingRules": (["nope"], "words", [1], ["n:up"], ["_geo:asc"]),
            "stopWords": ("the", [1]),
            "synonyms": ({"a": "b"}, []),
            "typoTolerance": ({"enabled": "x"}, {"minWordSizeForTypos": {"oneTypo": 9, "twoTypos": 3}}, {"nope": 1}),
            "faceting": ({"maxValuesPerFacet": -1}, {"sortFacetValuesBy": {"*": "size"}}),
            "pagination": ({"maxTotalHits": 0}, 5),
            "filterableAttributes": ([1], [{"attributePatterns": "x"}], [{"features": {}}]),
            "distinctAttribute": (1, ["a"]),
            "proximityPrecision": ("byLetter",),
            "embedders": ({"x": {"source": "userProvided"}}, {"x": {"nope": 1}}),
            "searchCutoffMs": (-1, "x"),
            "localizedAttributes": ([{"locales": ["xx"], "attributePatterns": ["*"]}], [{"locales": ["eng"]}]),
            "facetSearch": ("x",),
            "nope": (1,),
        }
        body = {name: chance.choice(wrongs[name]) for name in chance.sample(list(wrongs), chance.randint(1, 2))}
        return Asked("settings", "PATCH", f"/indexes/{self._uid}/settings", body)
