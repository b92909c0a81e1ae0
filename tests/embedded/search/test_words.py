"""What a query's words find: prefixes, typos, phrases, synonyms and the settings that bear on them."""

from __future__ import annotations

import pytest

from tests.embedded.search.shelf import ids, index_of, shelf, texts

pytestmark = pytest.mark.unit


def test_only_the_last_word_is_a_prefix() -> None:
    index = texts("lantern maker", "lantern", "maker")
    assert ids(index, "lant") == [1, 2]
    assert ids(index, "lant maker", matchingStrategy="all") == []
    assert ids(index, "maker lant", matchingStrategy="all") == [1]


def test_a_space_ends_the_last_word() -> None:
    assert ids(texts("lantern"), "lant ") == []


def test_prefixes_can_be_switched_off() -> None:
    index = texts("lantern", prefixSearch="disabled")
    assert ids(index, "lant") == []
    assert ids(index, "lantern") == [1]


@pytest.mark.parametrize("word", ["lantrn", "lanntern", "lanturn", "latnern"])
def test_a_word_of_five_letters_may_have_one_typo(word: str) -> None:
    assert ids(texts("lantern"), word) == [1]


def test_a_short_word_may_have_no_typo() -> None:
    assert ids(texts("snow"), "snwo") == []


def test_a_word_of_nine_letters_may_have_two_typos() -> None:
    index = texts("lighthouse")
    assert ids(index, "lihgthuose") == [1]
    assert ids(index, "lihgthuoze") == []


def test_a_typo_in_the_first_letter_counts_as_two() -> None:
    index = texts("lantern", "lighthouse")
    assert ids(index, "kantern") == []
    assert ids(index, "kighthouse") == [2]
    assert ids(index, "kighthoose") == []


def test_a_prefix_may_have_a_typo() -> None:
    assert ids(texts("lighthouse"), "ligth") == [1]


def test_typos_obey_the_settings() -> None:
    assert ids(texts("lantern", typoTolerance={"enabled": False}), "lantrn") == []
    assert ids(texts("lantern", typoTolerance={"disableOnWords": ["lantrn"]}), "lantrn") == []
    assert ids(texts("snow", typoTolerance={"minWordSizeForTypos": {"oneTypo": 3, "twoTypos": 6}}), "snwo") == [1]
    documents = [{"id": 1, "code": "lantern"}, {"id": 2, "name": "lantern"}]
    assert ids(index_of(documents, typoTolerance={"disableOnAttributes": ["code"]}), "lantrn") == [2]


def test_numbers_can_be_kept_from_typos() -> None:
    assert ids(texts("123456"), "123465") == [1]
    assert ids(texts("123456", typoTolerance={"disableOnNumbers": True}), "123465") == []


def test_accents_case_and_ligatures_make_no_difference() -> None:
    assert ids(shelf(), "creme brulee") == [4]
    assert ids(shelf(), "CRÈME") == [4]
    assert ids(texts("œuvre"), "oeuvre") == [1]


def test_a_word_is_cut_where_a_capital_follows_a_small_letter() -> None:
    assert ids(texts("openStreetMap"), "street") == [1]


def test_numbers_and_booleans_are_words_too() -> None:
    index = index_of([{"id": 1, "size": 42, "ready": True}, {"id": 2, "size": 4.5, "ready": False}])
    assert ids(index, "42") == [1]
    assert ids(index, "true") == [1]
    assert ids(index, "5") == [2]


def test_words_inside_objects_and_arrays_are_found() -> None:
    index = index_of([{"id": 1, "parts": [{"name": "hinge"}, {"name": ["bolt", "nut"]}]}])
    assert ids(index, "nut") == [1]
    assert ids(index, "hinge", attributesToSearchOn=["parts.name"]) == [1]


def test_a_phrase_wants_its_words_side_by_side_and_in_order() -> None:
    index = texts("a maker of lanterns", "lanterns of a maker")
    assert ids(index, '"maker of"') == [1]
    assert ids(index, '"maker of') == [1]
    assert ids(index, '"of maker"') == []


def test_a_sentence_ends_a_phrase() -> None:
    assert ids(texts("red. apple", "red apple"), '"red apple"') == [2]


def test_a_minus_excludes_a_word_or_a_phrase() -> None:
    index = texts("red apple", "green apple", "red green")
    assert ids(index, "apple -red") == [2]
    assert ids(index, '-"red apple" red') == [3]
    assert ids(index, "-red") == [2]
    assert ids(texts("well-known"), "well-known") == [1]


def test_words_written_apart_and_together_find_each_other() -> None:
    index = texts("snow bound", "snowbound")
    assert ids(index, "snowbound") == [2, 1]
    assert ids(index, "snow bound") == [1, 2]


def test_the_matching_strategy_says_which_words_may_be_missing() -> None:
    index = texts("one two three", "one two", "one", "two three")
    assert ids(index, "one two three") == [1, 2, 3]
    assert ids(index, "one two three", matchingStrategy="all") == [1]
    assert ids(texts("as often", "as", "often"), "as often", matchingStrategy="frequency") == [1]
    index = texts("common rare", "common", "common again", "rare")
    assert ids(index, "common rare", matchingStrategy="frequency") == [1, 4]


def test_a_phrase_is_never_left_out() -> None:
    assert ids(texts("red apple pie", "red apple", "pie"), 'pie "red apple"') == [1, 2]


def test_synonyms_work_in_one_direction_and_by_several_words() -> None:
    index = texts("railway", "iron road", "carriage", synonyms={"train": ["railway"], "railway line": ["iron road"]})
    assert ids(index, "train") == [1]
    assert ids(index, "railway line", matchingStrategy="all") == [2]
    assert ids(index, "carriage") == [3]


def test_a_stop_word_is_not_looked_for_but_keeps_its_place() -> None:
    index = texts("keeper of the bees", "keeper bees", stopWords=["of", "the"])
    assert ids(index, "the bees") == [2, 1]
    assert ids(index, "the keeper", matchingStrategy="all") == [1, 2]
    assert ids(index, '"keeper of the bees"') == [1, 2]


def test_separators_and_the_dictionary_shape_words() -> None:
    assert ids(texts("a|b"), "b") == []
    assert ids(texts("a|b", separatorTokens=["|"]), "b") == [1]
    assert ids(texts("c#minor"), "minor") == [1]
    assert ids(texts("c#minor", nonSeparatorTokens=["#"]), "minor") == []
    assert ids(texts("one<br>two", separatorTokens=["<br>"]), "two") == [1]
    assert ids(texts("J. R. Hartley", dictionary=["J. R."]), '"J. R. Hartley"') == [1]
    assert ids(texts("a_b.c", dictionary=["b.c"]), "b.") == []


def test_a_search_can_be_held_to_some_attributes() -> None:
    index = shelf(searchableAttributes=["title", "about"])
    assert ids(index, "lantern", attributesToSearchOn=["about"]) == [1, 2]
    assert ids(index, "lantern", attributesToSearchOn=[]) == []
    assert ids(index, "1990") == []


def test_a_query_of_signs_alone_finds_everything() -> None:
    assert ids(texts("one", "two"), " ... ") == [1, 2]
