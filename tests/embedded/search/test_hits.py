"""What a hit shows."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.search import SearchIndex
from tests.embedded.search.shelf import index_of, texts

pytestmark = pytest.mark.unit

HOUSE: dict[str, Any] = {
    "id": 7,
    "name": "Lantern house",
    "rooms": [{"name": "hall", "size": 4}, {"name": "lantern room", "size": 2}],
    "owner": {"name": "Ada", "since": 1999},
    "open": True,
    "note": None,
}


def house(**changes: Any) -> SearchIndex:
    return index_of([HOUSE], **changes)


def hit(index: SearchIndex, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = index.search(request)["hits"][0]
    return found


def formatted(text: str, **request: Any) -> str:
    shown: str = hit(texts(text), attributesToRetrieve=[], **request)["_formatted"]["text"]
    return shown


def test_attributes_can_be_chosen_by_path() -> None:
    assert hit(house(), attributesToRetrieve=["id", "owner.name"]) == {"id": 7, "owner": {"name": "Ada"}}
    assert hit(house(), attributesToRetrieve=["rooms.size"]) == {"rooms": [{"size": 4}, {"size": 2}]}
    assert hit(house(), attributesToRetrieve=["*"]) == HOUSE
    assert hit(house(), attributesToRetrieve=["nobody"]) == {}


def test_what_is_not_displayed_is_never_shown() -> None:
    index = house(displayedAttributes=["id", "owner.since"])
    assert hit(index) == {"id": 7, "owner": {"since": 1999}}
    assert hit(index, attributesToRetrieve=["name", "id"]) == {"id": 7}
    assert hit(index, q="lantern", attributesToHighlight=["name"]) == {"id": 7, "owner": {"since": 1999}}
    assert hit(index, q="lantern", showMatchesPosition=True)["_matchesPosition"] == {}


def test_matches_are_highlighted_wherever_they_stand() -> None:
    shown = hit(house(), q="lantern", attributesToHighlight=["*"])["_formatted"]
    assert shown == {
        "id": "7",
        "name": "<em>Lantern</em> house",
        "rooms": [{"name": "hall", "size": "4"}, {"name": "<em>lantern</em> room", "size": "2"}],
        "owner": {"name": "Ada", "since": "1999"},
        "open": True,
        "note": None,
    }


def test_formatted_holds_what_is_retrieved_and_what_is_formatted() -> None:
    shown = hit(house(), q="lantern", attributesToRetrieve=["id"], attributesToHighlight=["rooms.name"])
    assert shown == {"id": 7, "_formatted": {"id": "7", "rooms": [{"name": "hall"}, {"name": "<em>lantern</em> room"}]}}
    assert "_formatted" not in hit(house(), q="lantern", attributesToHighlight=["nobody"])


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("lanterns and a lantern", "lante", "<em>lante</em>rns and a <em>lante</em>rn"),
        ("lamps and a lamp", "lamp ", "lamps and a <em>lamp</em>"),
        ("the lantern", "lantrn", "the <em>lanter</em>n"),
        ("the lantern", "lantrn ", "the <em>lantern</em>"),
        ("Crème brûlée", "creme bru", "<em>Crème</em> <em>brû</em>lée"),
        ("red apple, red pear", '"red pear"', "red apple, <em>red pear</em>"),
        ("snow bound and snowed in", "snowbound", "<em>snow bound</em> and snowed in"),
        ("well-known", "well known", "<em>well</em>-<em>known</em>"),
    ],
)
def test_a_highlight_marks_what_matched(text: str, query: str, shown: str) -> None:
    assert formatted(text, q=query, attributesToHighlight=["text"]) == shown


def test_synonyms_and_chosen_tags_are_used_in_highlights() -> None:
    index = texts("an iron road", synonyms={"railway": ["iron road"]})
    request = {"attributesToHighlight": ["text"], "highlightPreTag": "[", "highlightPostTag": "]"}
    assert hit(index, q="railway", **request)["_formatted"]["text"] == "an [iron road]"


LONG = "one two three four five six seven. eight nine ten, eleven twelve"


@pytest.mark.parametrize(
    ("query", "size", "shown"),
    [
        ("six", 3, "…five six seven…"),
        ("one", 3, "one two three…"),
        ("twelve", 3, "…ten, eleven twelve"),
        ("five six", 2, "…five six…"),
        ("two eleven", 4, "one two three four…"),
        ("", 4, "one two three four…"),
        ("five", 0, LONG),
        ("five", 100, LONG),
        ('"two three four"', 2, "one two three…"),
    ],
)
def test_a_crop_keeps_so_many_words_around_the_best_matches(query: str, size: int, shown: str) -> None:
    assert formatted(LONG, q=query, attributesToCrop=["text"], cropLength=size) == shown


def test_a_crop_can_have_its_own_length_and_marker() -> None:
    assert formatted(LONG, q="six", attributesToCrop=["text:1"], cropMarker="~") == "~six~"
    shown = formatted(LONG, q="six", attributesToCrop=["*:3"], attributesToHighlight=["text"], cropMarker="")
    assert shown == "five <em>six</em> seven"


def test_every_text_of_an_array_is_cropped_by_itself() -> None:
    index = index_of([{"id": 1, "lines": [LONG, "one two three"]}])
    shown = hit(index, q="six", attributesToCrop=["lines:2"])["_formatted"]["lines"]
    assert shown == ["…five six…", "one two…"]


def test_positions_count_bytes_and_name_their_place_in_an_array() -> None:
    index = index_of([{"id": 1, "a": "Crème brûlée", "b": ["x", "a brûlée"]}])
    positions = hit(index, q="brulee", showMatchesPosition=True)["_matchesPosition"]
    assert positions == {"a": [{"start": 7, "length": 8}], "b": [{"start": 2, "length": 8, "indices": [1]}]}
