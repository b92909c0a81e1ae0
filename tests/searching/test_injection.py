"""Nothing in a value, and no text in the engine's language, reaches beyond its own place in a filter."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.embedded.search.filter_syntax import BadFilter, Condition, Every, parse
from scrypath_celery.errors import QueryError
from scrypath_celery.searching.query.filters import Scope, where
from tests.searching.library import Article, Ticket

schemas = Schemas()
article = schemas.add(Article, fields=["title"], filterable=["writer", "tags"])
ticket = schemas.add(Ticket, fields=["title"], filterable=["state"], tenant_field="org")
EVERYBODY = Scope(across_tenants=True)

SIGNS = ['"', "'", "\\", '\\"', "(", ")", "[", "]", "=", "!=", ">", ",", " ", "\n", "-", "."]
WORDS = [" AND ", " OR ", " NOT ", " IN ", " EXISTS", "org", "a", "1", "é", "x = 1", "_geoRadius(1, 2, 3)"]
PIECES = st.sampled_from([*SIGNS, *WORDS])
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=12).map("".join))

thorough = settings(max_examples=100, deadline=None, database=None, derandomize=True)


@thorough
@given(text=TEXTS)
def test_a_text_is_one_value_whatever_it_holds(text: str) -> None:
    read: Any = parse(where(article, {"writer": text}, EVERYBODY))
    assert (read.attribute, read.operator, read.values) == ("writer", "=", (text,))


@thorough
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), tenant=TEXTS)
def test_values_and_tenants_stay_in_their_places(texts: list[str], tenant: str) -> None:
    read: Any = parse(where(ticket, {"state": texts, "any": [{"state": text} for text in texts]}, Scope(tenant=tenant)))
    owner, among, *rest = read.parts
    assert (owner.attribute, owner.operator, owner.values) == ("org", "=", (tenant,))
    assert (among.attribute, among.values) == ("state", tuple(texts))
    assert len(rest) == 1


@thorough
@given(text=TEXTS)
def test_the_engines_own_language_stays_one_condition_among_others(text: str) -> None:
    try:
        written = where(article, [{"writer": "Ann"}, text, {"tags": "red"}], EVERYBODY)
        read = parse(written)
    except (QueryError, BadFilter):
        return  # refused by us, or by the engine
    assert isinstance(read, Every)
    first, last = read.parts[0], read.parts[-1]
    assert isinstance(first, Condition)
    assert isinstance(last, Condition)
    assert (first.attribute, first.values) == ("writer", ("Ann",))
    assert (last.attribute, last.values) == ("tags", ("red",))
    assert len(read.parts) == (3 if text.strip() else 2)
