"""An index that was changed bit by bit answers like one that was built at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from scrypath_celery.embedded.search import SearchIndex
from tests.embedded.search.shelf import index_of, settings, shelf, texts

pytestmark = pytest.mark.unit

WORDS = "lantern lanterns lamp harbour harbor north sea seaside red apple snow bound snowbound keeper of the".split()
ASKED: list[dict[str, Any]] = [
    {},
    {"q": "lantern"},
    {"q": "red sea"},
    {"q": "harbuor nor"},
    {"q": '"red apple" -snow'},
    {"filter": "size > 3 AND group != b", "sort": ["size:desc"]},
    {"filter": "group EXISTS OR size IS NULL", "facets": ["group", "size"]},
    {"sort": ["_geoPoint(1, 2):asc"], "filter": "_geoRadius(1, 2, 300000)"},
    {"distinct": "group", "page": 1},
]
OPEN: dict[str, Any] = {"filterableAttributes": ["group", "size", "_geo"], "sortableAttributes": ["size", "_geo"]}


def document(number: int, chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"id": number, "title": " ".join(chance.choices(WORDS, k=chance.randint(1, 4)))}
    if chance.random() < 0.7:
        made["about"] = ". ".join(" ".join(chance.choices(WORDS, k=3)) for _ in range(2))
    if chance.random() < 0.8:
        made["size"] = chance.choice([None, 1, 2.5, 3, 7, "3", []])
    if chance.random() < 0.8:
        made["group"] = chance.choice(["a", "b", ["a", "c"], "", {"inner": 1}])
    if chance.random() < 0.5:
        made["_geo"] = {"lat": chance.randint(0, 3), "lng": chance.randint(0, 3)}
    return made


def answers(index: SearchIndex) -> list[Any]:
    changing = ("processingTimeMs", "requestUid")
    found = [index.search({"limit": 50, **body}) for body in ASKED]
    return [{key: value for key, value in one.items() if key not in changing} for one in found]


@pytest.mark.parametrize("seed", range(12))
def test_after_any_changes_the_answers_are_those_of_a_new_index(seed: int) -> None:
    chance = random.Random(seed)
    index = index_of([], **OPEN)
    slots: list[int | None] = []
    held: dict[int, dict[str, Any]] = {}
    for _ in range(12):
        for number in chance.sample(range(40), chance.choice([1, 3, 20])):
            if number in held and chance.random() < 0.4:
                index.delete([str(number), "nobody"])
                slots[slots.index(number)] = None
                del held[number]
                continue
            if number not in held:
                if None in slots:
                    slots[slots.index(None)] = number
                else:
                    slots.append(number)
            held[number] = document(number, chance)
            index.put([(str(number), held[number])])
        fresh = index_of([held[number] for number in slots if number is not None], **OPEN)
        assert answers(index) == answers(fresh)
        assert len(index) == len(held)


def test_settings_take_effect_at_once_and_keep_the_documents() -> None:
    index = shelf()
    assert [hit["id"] for hit in index.search({"q": "lantern"})["hits"]] == [1, 2]
    index.configure("books", settings(searchableAttributes=["about"], stopWords=["a"]), "id")
    assert [hit["id"] for hit in index.search({"q": "maker"})["hits"]] == [1]
    assert index.search({"q": "winter"})["hits"] == []
    index.configure("other", settings(), "id")
    assert [hit["id"] for hit in index.search({"q": "winter"})["hits"]] == [2]


def test_a_cleared_index_finds_nothing_and_can_be_filled_again() -> None:
    index = texts("one", "two")
    assert index.search({"q": "one"})["estimatedTotalHits"] == 1
    index.clear()
    assert (len(index), index.document("1")) == (0, None)
    assert index.search({"q": "one"})["estimatedTotalHits"] == 0
    index.put([("1", {"id": 1, "text": "one"})])
    assert index.document("1") == {"id": 1, "text": "one"}
    assert index.search({"q": "one"})["estimatedTotalHits"] == 1


def test_a_number_beyond_64_bits_is_kept_as_a_float() -> None:
    index = index_of([{"id": 1, "n": 2**70, "m": 2**64 - 1}])
    assert index.document("1") == {"id": 1, "n": float(2**70), "m": 2**64 - 1}


def test_words_that_no_document_has_any_more_are_given_up() -> None:
    index = texts("kept")
    for number in range(50):
        index.put([("9", {"id": 9, "text": f"lantern{number:02}"})])
        assert [hit["id"] for hit in index.search({"q": f"lantern{number:02}"})["hits"]][:1] == [9]
    assert len(list(index.forms.textual.vocabulary.prefixed("lantern"))) <= 5
    assert index.search({"q": "lantern00", "showRankingScoreDetails": True})["hits"][0]["id"] == 9
