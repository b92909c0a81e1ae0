"""Commands in this process, on a shop of the test's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from click.testing import Result

from tests.commands import invoke
from tests.integration.operator.conftest import shop
from tests.shop import Shop

__all__ = ["shop"]

Run = Callable[..., Result]


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("status", "--json")`: a command on the shop."""
    module = ModuleType("the_shop")
    module.app = shop.app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "the_shop", module)

    def command(*arguments: str) -> Result:
        result = invoke("-A", "the_shop", *arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return command


def document(result: Result) -> dict[str, Any]:
    """The one JSON document of a command."""
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["version"] == 1
    return found
