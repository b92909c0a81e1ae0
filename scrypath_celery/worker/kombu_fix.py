"""A fix for one release of kombu, which ends the worker when a Redis broker is lost while a message is unacked."""

from __future__ import annotations

from typing import Any

import kombu


def fix_redis() -> bool:
    """Let kombu 5.7.0 treat a collected Redis connection as lost, which it can recover from; whether it was needed.

    On loss of the connection kombu 5.7.0 closes a transport that it has collected already, and fails on its missing
    client with an AttributeError that no caller expects. Other releases, and other brokers, are left alone.
    """
    if kombu.__version__ != "5.7.0":
        return False
    try:
        from kombu.transport.redis import Channel
        from redis.exceptions import ConnectionError as LostConnection
    except ImportError:
        return False
    original = Channel._connparams
    if getattr(original, "fixed", False):
        return False

    def _connparams(self: Any, asynchronous: bool = False) -> Any:
        if getattr(self.connection, "client", None) is None:
            raise LostConnection("the broker connection was collected")
        return original(self, asynchronous)  # type: ignore[no-untyped-call]

    _connparams.fixed = True  # type: ignore[attr-defined]
    Channel._connparams = _connparams  # type: ignore[method-assign]
    return True
