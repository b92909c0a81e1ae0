"""Facts in the pages that can be counted: tables, extras, dependencies, upper bounds."""

from __future__ import annotations

import configparser
import re

from scrypath_celery.ledger.tables import metadata
from tests.unit.test_docs import CHECKOUT

INTERNAL = {"test", "lint", "types", "docs", "browser"}
"""Extras of those who work on the package."""


def said(page: str) -> str:
    return (CHECKOUT / "docs" / page).read_text()


def packaging() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(CHECKOUT / "setup.cfg")
    return parser


def required() -> list[str]:
    lines = packaging()["options"]["install_requires"].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def test_the_comparison_counts_the_tables_and_that_of_the_migrations() -> None:
    counted = re.search(r"^\| tables in your database \| (\d+) \|", said("comparison.md"), re.MULTILINE)
    assert counted is not None
    assert int(counted[1]) == len(metadata.tables) + 1


def test_the_quickstart_explains_each_extra_of_users() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", said("quickstart.md"), re.MULTILINE))
    assert explained == set(packaging()["options.extras_require"]) - INTERNAL


def test_the_page_of_costs_names_each_dependency() -> None:
    told = said("what-it-costs.md").split("## Dependencies")[1].split("##")[0].casefold()
    names = [re.split(r"[<>=]", one)[0] for one in required()]
    assert names
    assert [one for one in names if one not in told] == []


def test_the_page_of_upgrades_names_what_has_an_upper_bound() -> None:
    told = said("upgrading.md").split("## Celery, SQLAlchemy and Python")[1].split("##")[0].casefold()
    bound = [re.split(r"[<>=]", one)[0] for one in required() if "<" in one]
    assert bound
    assert [one for one in bound if one not in told] == []
