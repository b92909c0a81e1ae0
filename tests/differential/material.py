"""Generated documents and settings: few words that are near each other, so that much is found by several ways."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

WORDS = (
    "fox foxes foxy box boxes red read ready rad green greed garden gardener gardens light lights lighthouse house"
    " houses boat boats over under the of and a in hello help helper world word words sun flower sunflower sunflowers"
    " mountain mountains mont railway rail way café cafe naïve naive 2020 2 20 3.5 v1 x y new york newyork island"
).split()
GLUE = (" ", " ", " ", " ", " ", ", ", ". ", "-", "_", ": ", "; ", "! ", "/", " + ", "'", "  ", "…", " (", ") ", "`")
COLOURS = ("red", "Red", "green", "BLUE", "blue", "dark blue", "café", "cafe", "", "10", "true", " red")
RULES = ("words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness")
FIELDS = ("title", "body", "tags", "o.p", "o.q", "n", "c")


class Material:
    """Documents and settings from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def text(self, most: int = 8) -> str:
        """Some words with separators between them."""
        chance = self._chance
        parts = []
        for _ in range(chance.randint(1, most)):
            parts += [self.word(), chance.choice(GLUE)]
        return "".join(parts[:-1])

    def word(self) -> str:
        """A word, sometimes with a capital or with a typo."""
        word = self._chance.choice(WORDS)
        chance = self._chance.random()
        if chance < 0.1:
            return word.capitalize()
        return self.wrong(word) if chance < 0.15 else word  # no capital inside a word: builds cut those differently

    def wrong(self, word: str) -> str:
        """A word with a typo."""
        word = word.lower()
        at = self._chance.randrange(len(word))
        kind = self._chance.randrange(4)
        if kind == 0:
            return word[:at] + word[at + 1 :] or word
        if kind == 1:
            return word[:at] + self._chance.choice("aeioxz") + word[at:]
        if kind == 2 and at:
            return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
        return word[:at] + self._chance.choice("aeioxz") + word[at + 1 :]

    def number(self) -> float:
        """A number, of a few that come again."""
        return self._chance.choice((0, 1, 2, 2.0, 3, 3.5, 10, 10.5, -1, -0.5, 20, 1e3, 1e21, 12345678901234567890))

    def value(self) -> Any:
        """What a field for filters and sorts may hold."""
        chance = self._chance
        kind = chance.randrange(10)
        if kind < 4:
            return chance.choice(COLOURS)
        if kind < 6:
            return self.number()
        if kind == 6:
            return chance.choice((None, True, False, [], {}))
        if kind == 7:
            return [self._chance.choice((*COLOURS, *"ab")) for _ in range(chance.randint(0, 3))]
        return [self.number(), chance.choice(COLOURS)] if kind == 8 else {"p": chance.choice(COLOURS)}

    def document(self, id: int) -> dict[str, Any]:
        """One document; every field but the id may be absent."""
        chance = self._chance
        document: dict[str, Any] = {"id": id}
        makers: dict[str, Callable[[], Any]] = {
            "title": lambda: self.text(4),
            "body": lambda: self.text(12),
            "tags": lambda: [self.text(2) for _ in range(chance.randint(0, 3))],
            "o": lambda: chance.choice(
                (
                    {"p": self.text(2), "q": self.number()},
                    {"p": self.word()},
                    [{"p": self.word()}, {"q": 1}],
                    {},
                )
            ),
            "n": self.number,
            "c": self.value,
            "d": lambda: chance.choice(COLOURS),
            "_geo": lambda: {"lat": chance.randint(-80, 80), "lng": chance.randint(-170, 170) / 2},
        }
        for name, make in makers.items():
            if chance.random() < 0.8:
                document[name] = make()
        return document

    def settings(self) -> dict[str, Any]:
        """Settings that leave about half at their defaults."""
        chance = self._chance
        filterable: list[Any] = ["n", "c", "d", "o", "_geo", "title"]
        if chance.random() < 0.2:
            filterable = [
                "n",
                "_geo",
                {
                    "attributePatterns": ["c", "d", "o*"],
                    "features": {
                        "facetSearch": True,
                        "filter": {"equality": True, "comparison": chance.random() < 0.5},
                    },
                },
            ]
        made: dict[str, Any] = {
            "filterableAttributes": filterable,
            "sortableAttributes": ["n", "c", "d", "o.q", "_geo"],
        }
        choices: dict[str, Any] = {
            "searchableAttributes": lambda: chance.sample(FIELDS, chance.randint(1, 5)),
            "displayedAttributes": lambda: chance.sample(("id", *FIELDS, "o"), chance.randint(2, 7)),
            "rankingRules": self._rules,
            "stopWords": lambda: chance.sample(("the", "of", "and", "a", "in", "over"), 3),
            "synonyms": self._synonyms,
            "distinctAttribute": lambda: chance.choice(("d", "c", "n")),
            "proximityPrecision": lambda: "byAttribute",
            "prefixSearch": lambda: "disabled",
            "typoTolerance": self._typos,
            "faceting": lambda: {
                "maxValuesPerFacet": chance.choice((2, 100)),
                "sortFacetValuesBy": chance.choice(({"*": "count"}, {"*": "alpha", "d": "count"})),
            },
            "pagination": lambda: {"maxTotalHits": chance.choice((3, 1000))},
            "separatorTokens": lambda: ["&&", "x"],
            "nonSeparatorTokens": lambda: ["-", "_", "."],
            "dictionary": lambda: ["new york", "v1"],
        }
        rare = ("separatorTokens", "nonSeparatorTokens", "dictionary", "prefixSearch", "displayedAttributes")
        for name, make in choices.items():
            if chance.random() < (0.06 if name in rare else 0.2):
                made[name] = make()
        return made

    def _rules(self) -> list[str]:
        rules = list(RULES)
        self._chance.shuffle(rules)
        rules = rules[: self._chance.randint(3, 7)]
        if "sort" not in rules:
            rules.append("sort")
        if self._chance.random() < 0.3:
            rules.insert(self._chance.randrange(len(rules)), self._chance.choice(("n:asc", "n:desc", "d:asc")))
        if "attributeRank" in rules and "wordPosition" in rules and self._chance.random() < 0.3:
            rules = [one for one in rules if one != "wordPosition"]
            rules[rules.index("attributeRank")] = "attribute"
        return rules

    def _synonyms(self) -> dict[str, list[str]]:
        return {"boat": ["ship", "light house"], "sun flower": ["garden"], "new york": ["ny"], "red": ["green"]}

    def _typos(self) -> dict[str, Any]:
        return self._chance.choice(
            (
                {"enabled": False},
                {"minWordSizeForTypos": {"oneTypo": 3, "twoTypos": 6}},
                {"disableOnWords": ["garden", "boxes"]},
                {"disableOnAttributes": ["title"]},
                {"disableOnNumbers": True},
            )
        )
