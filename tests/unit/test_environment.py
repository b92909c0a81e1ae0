"""The environment is read while other threads change it."""

from __future__ import annotations

import os
from collections import UserDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scrypath_celery.config import from_environment
from scrypath_celery.environment import variables
from scrypath_celery.masking import masked


class Changing(UserDict[str, str]):
    """Another thread takes one of its variables away as soon as the names are known."""

    def __iter__(self) -> Iterator[str]:
        return iter([*self.data, "SCRYPATH_QUEUE"])


READS: dict[str, tuple[Callable[[], Any], Any]] = {
    "all": (variables, {"API_KEY": "hunter22"}),
    "secrets": (lambda: masked("hunter22 is refused"), "*** is refused"),
    "options": (from_environment, {}),
}


@pytest.mark.parametrize("name", READS)
def test_a_variable_that_goes_while_it_is_read_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read, expected = READS[name]
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", Changing({"API_KEY": "hunter22"}))
        found = read()
    assert found == expected
