"""Calls to a broker that may never return."""

from __future__ import annotations

import threading

import pytest

from scrypath_celery.cli.broker import bounded
from scrypath_celery.errors import BrokerError


def test_what_comes_in_time_is_returned() -> None:
    assert bounded(lambda: 7, 30.0, "redis://somewhere") == 7


def test_what_does_not_return_is_left_behind() -> None:
    over = threading.Event()
    try:
        with pytest.raises(BrokerError, match="redis://somewhere did not answer"):
            bounded(over.wait, 0.01, "redis://somewhere")
    finally:
        over.set()


def test_an_error_of_a_transport_is_named_by_its_class() -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("user:secret")

    with pytest.raises(BrokerError, match="ConnectionRefusedError") as caught:
        bounded(refuse, 30.0, "redis://somewhere")
    assert "secret" not in str(caught.value)
