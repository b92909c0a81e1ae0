"""Works are chosen by a filter as a plain loop over all of them would, page by page, on each database."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from scrypath_celery.errors import WorkError
from scrypath_celery.ledger import Ledger, selection, tables, transitions, works
from scrypath_celery.ledger.selection import Grouping, Order, WorkFilter
from scrypath_celery.work import ENDED, ReasonClass, State, Work

START = 1_700_000_000.0

FILTERS = {
    "nothing": WorkFilter(states=tuple(State)),
    "dead letters": WorkFilter(states=(State.FAILED,)),
    "an index": WorkFilter(states=(State.FAILED, State.RETRYING), index_uids=("post",)),
    "two indexes": WorkFilter(states=(State.FAILED, State.RETRYING), index_uids=("post", "author")),
    "a class": WorkFilter(states=(State.FAILED,), reason_class=ReasonClass.SOURCE),
    "a code": WorkFilter(states=(State.FAILED, State.RETRYING), code="raised"),
    "a class and a code": WorkFilter(states=(State.FAILED,), reason_class=ReasonClass.TRANSPORT, code="timeout"),
    "a time": WorkFilter(states=tuple(State), since=START + 20.0, until=START + 60.0),
    "a document": WorkFilter(states=tuple(State), document="Doc_7"),
    "ids": WorkFilter(states=tuple(State), ids=(3, 5, 2**70, -1, 8)),
    "all at once": WorkFilter(
        states=(State.FAILED, State.PENDING), index_uids=("post",), code="timeout", since=START, until=START + 90.0
    ),
}


@pytest.fixture
def filled(ledger: Ledger) -> list[Work]:
    """Works of all kinds, several of one moment among them."""
    seed = random.Random(7)
    with ledger.begin() as connection:
        connection.execute(insert(tables.work), [row(seed) for _ in range(400)])
    return ledger.read(lambda tx: works.listed(tx, list(State)))


def row(seed: random.Random) -> dict[str, Any]:
    state = seed.choice(list(State))
    document = seed.choice(["Doc_7", "doc_7", "Doc-7", "aDoc_7", "8"])
    moment = START + seed.randrange(0, 100, 10)
    wrong = state in (State.FAILED, State.RETRYING)
    return {
        "index_uid": seed.choice(["post", "author", "tag"]),
        "operation": "upsert",
        "ids": ["1", document],
        "documents": 2,
        "mode": "celery",
        "state": state.value,
        "reason_class": seed.choice(["source", "transport", "unknown", None]) if wrong else None,
        "error_code": seed.choice(["raised", "timeout", None]) if wrong else None,
        "created_at": moment,
        "publish_after": moment,
        "available_at": moment,
        "finished_at": moment + seed.randrange(0, 50, 10) if state in ENDED else None,
    }


def time(item: Work) -> float:
    found = item.finished_at if item.state in ENDED else item.created_at
    assert found is not None
    return found


def fits(item: Work, chosen: WorkFilter) -> bool:
    return (
        item.state in chosen.states
        and (chosen.index_uids is None or item.index_uid in chosen.index_uids)
        and chosen.reason_class in (None, item.reason_class)
        and chosen.code in (None, item.error_code)
        and (chosen.since is None or time(item) >= chosen.since)
        and (chosen.until is None or time(item) < chosen.until)
        and (chosen.document is None or chosen.document in item.ids)
        and (chosen.ids is None or item.id in chosen.ids)
    )


def test_pages_hold_what_a_plain_loop_finds_in_order(ledger: Ledger, filled: list[Work]) -> None:
    for name, chosen in FILTERS.items():
        fitting = [item for item in filled if fits(item, chosen)]
        assert fitting, name
        for order in Order:
            expected = sorted(fitting, key=lambda item: (time(item), item.id), reverse=order is Order.NEWEST)
            assert pages(ledger, chosen, order) == expected, (name, order)


def pages(ledger: Ledger, chosen: WorkFilter, order: Order) -> list[Work]:
    """All pages, each behind the one before."""
    size, found = 17, list[Work]()
    while len(found) % size == 0:
        after = found[-1].id if found else None
        look = partial(selection.select_works, chosen=chosen, order=order, limit=size, after=after)
        page = ledger.read(look)
        found += page
        if not page:
            break
    return found


def test_counts_are_those_of_a_plain_loop(ledger: Ledger, filled: list[Work]) -> None:
    for name, chosen in FILTERS.items():
        expected = [item for item in filled if fits(item, chosen)]
        keys: dict[Grouping, list[Any]] = {
            Grouping.CLASS: [item.reason_class for item in expected],
            Grouping.CODE: [item.error_code for item in expected],
            Grouping.SCHEMA: [item.index_uid for item in expected],
            Grouping.HOUR: [time(item) // 3600 * 3600 for item in expected],
        }
        assert ledger.read(partial(selection.count_works, chosen=chosen)) == len(expected), name
        for by, values in keys.items():
            found: Counter[Any] = Counter()
            for group in ledger.read(partial(selection.group_works, chosen=chosen, by=by)):
                found[group.key] += group.count
            assert found == Counter(values), (name, by)


def test_a_page_goes_on_behind_a_work_that_was_retried_meanwhile(ledger: Ledger, filled: list[Work]) -> None:
    chosen = WorkFilter(states=(State.FAILED,))
    every = ledger.read(lambda tx: selection.select_ids(tx, chosen))
    ledger.run(lambda tx: transitions.move(tx, every[:5], State.PENDING))
    assert ledger.read(lambda tx: selection.select_ids(tx, chosen, after=every[4])) == every[5:]


def test_a_page_behind_a_work_that_is_not_there_is_refused(ledger: Ledger, filled: list[Work]) -> None:
    for id in (4711, 2**80, -1):
        with pytest.raises(WorkError, match="no work with id"):
            ledger.read(partial(selection.select_ids, chosen=WorkFilter(states=(State.FAILED,)), after=id))


@pytest.mark.parametrize("to", [State.PENDING, State.CANCELLED])
def test_works_move_only_from_the_states_that_allow_it(ledger: Ledger, filled: list[Work], to: State) -> None:
    moved = ledger.run(lambda tx: transitions.move(tx, [item.id for item in filled], to, by="anna@ops"))
    allowed = [item for item in filled if item.state in transitions.ALLOWED[to]]
    assert list(moved.works) == allowed
    assert set(moved.refused) == {item.id for item in filled if item not in allowed}
    after = {item.id: item for item in ledger.read(lambda tx: works.listed(tx, list(State)))}
    for item in filled:
        if item in allowed:
            assert after[item.id].state is to
            told = after[item.id].history[-1]
            assert (told["by"], told["from"]) == ("anna@ops", item.state.value)
        else:
            assert after[item.id] == item
