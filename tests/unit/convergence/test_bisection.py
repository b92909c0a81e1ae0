"""The search for the documents to blame, played against payloads whose bad documents are known."""

from __future__ import annotations

import pytest

from scrypath_celery.convergence.bisection import WIDEST, Bisection


def search(ids: list[str], bad: set[str], *, seconds: float = 0.0) -> tuple[set[str], int, bool]:
    """The documents found to be bad, how many parts were tried, and whether the search gave up."""
    bisection, found, tried = Bisection([ids]), set[str](), 0
    while bisection.parts:
        for part in bisection.take():
            tried += 1
            if bad.isdisjoint(part):
                bisection.passes()
                continue
            bisection.fails(part)
            if len(part) == 1:
                found.update(part)
        bisection.took(seconds)
        if bisection.hopeless:
            return found, tried, True
    return found, tried, False


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"7"}, id="one"),
        pytest.param({"1", "1000"}, id="the first and the last"),
        pytest.param({str(number) for number in range(7, 1001, 33)}, id="thirty-one that are spread"),
        pytest.param({str(number) for number in range(500, 531)}, id="thirty-one in a row"),
        pytest.param({str(number) for number in range(1, 1001, 2)}, id="every other"),
    ],
)
def test_exactly_the_bad_documents_are_found(bad: set[str]) -> None:
    found, _, hopeless = search(numbers(1000), bad)
    assert found == bad
    assert not hopeless


def test_one_bad_document_of_a_thousand_costs_two_trials_a_halving() -> None:
    _, tried, _ = search(numbers(1000), {"7"})
    assert tried <= 2 * 11


def test_a_payload_that_is_bad_altogether_is_given_up_after_a_few_documents() -> None:
    found, tried, hopeless = search(numbers(1000), set(numbers(1000)))
    assert hopeless
    assert tried < 50
    assert len(found) < 2 * WIDEST


def test_a_slow_engine_is_asked_to_try_two_parts_at_a_time() -> None:
    bisection = Bisection([[id] for id in numbers(100)], passed=True)
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 0.1, 30.0, 0.1):
        sizes.append(len(bisection.take()))
        bisection.took(seconds)
    assert sizes == [2, 4, 8, 16, 16, 2]


def test_what_was_not_found_out_is_tried_again() -> None:
    bisection = Bisection([["1", "2"]])
    (part,) = bisection.take()
    assert bisection.parts == []
    bisection.again(part)
    assert bisection.parts == [("1", "2")]
