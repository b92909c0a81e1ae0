"""Replies of workers: in any serializer of the application's, and without calling what a stranger put there."""

from __future__ import annotations

import json
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from scrypath_celery.cli.replies import JSON, PICKLE, decoded

REPLY = {"worker@host": {"declares": ["posts"], "queues": ["search_sync"]}}


class Trap:
    """Something whose unpickling does something."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('unpickled')",)


def message(body: bytes, content_type: str) -> Any:
    return SimpleNamespace(body=body, content_type=content_type, content_encoding="utf-8")


@pytest.mark.parametrize("accepted", [["json"], ["pickle"], []])
@pytest.mark.parametrize(("body", "content_type"), [(json.dumps(REPLY).encode(), JSON), (pickle.dumps(REPLY), PICKLE)])
def test_plain_replies_are_read_whatever_the_application_speaks(
    accepted: list[str], body: bytes, content_type: str
) -> None:
    assert decoded(message(body, content_type), accepted) == REPLY


@pytest.mark.parametrize("accepted", [["json"], ["pickle"], []])
def test_a_pickle_that_would_call_something_is_left_out(accepted: list[str]) -> None:
    assert decoded(message(pickle.dumps({"worker@host": Trap()}), PICKLE), accepted) is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", PICKLE), (b"\x80\x05.", PICKLE), (b"{", JSON), (b"a: 1", "application/x-yaml"), (b"x", "text/strange")],
)
def test_what_cannot_be_read_is_left_out(body: bytes, content_type: str) -> None:
    assert decoded(message(body, content_type), ["json"]) is None
