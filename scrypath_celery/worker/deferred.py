"""Replies that come later, so that no command of ours keeps the worker's event loop waiting.

Celery replies with what a handler returns. For a handler that returns a `Deferred` the reply is sent when its look has
ended: the way back, which only the node knows that the command came to, is handed to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..logs import log
from .apart import Look, Reply, too_long

UNDER_WAY = 8
"""Looks under way in one worker at once; what is asked beyond that is refused."""

Finish = Callable[[Reply], Reply]
"""Called in the event loop with what was found; returns what is replied."""


class Deferred:
    """The reply to one command, given when its look has ended, or after `seconds`."""

    def __init__(self, hub: Any, look: Look, *, seconds: float, finish: Finish) -> None:
        self.end = time.monotonic() + seconds
        self._hub, self._look, self._seconds, self._finish = hub, look, seconds, finish
        self._send: Callable[[Reply], None] | None = None
        self._over = False
        hub.add_reader(look.receiver, self._read)
        self._timer = hub.call_later(seconds, self._time_over)

    @property
    def over(self) -> bool:
        """Whether it was replied, or given up."""
        return self._over

    def reply_by(self, send: Callable[[Reply], None]) -> None:
        """Note how the reply is sent; a command to which nobody wants one has no such way."""
        self._send = send

    def _read(self) -> None:
        if self._look.read():
            self._conclude(self._look.reply())

    def _time_over(self) -> None:
        if not self._over:
            self._conclude(too_long(self._seconds))

    def _conclude(self, found: Reply) -> None:
        self.close()
        reply = self._finish(found)
        if self._send is None:
            return
        try:
            self._send(reply)
        except Exception as exc:  # noqa: BLE001 - each transport has errors of its own; the loop goes on
            log("reply_not_sent", error=type(exc).__name__)

    def close(self) -> None:
        """End the look."""
        if not self._over:
            self._over = True
            self._timer.cancel()
            self._hub.remove(self._look.receiver)
            self._look.close()


class Desk:
    """What one worker has to reply yet."""

    def __init__(self) -> None:
        self._under_way: list[Deferred] = []

    def defer(
        self, state: Any, function: Callable[[], Reply], *, seconds: float, fork: bool, finish: Finish
    ) -> Deferred | Reply | None:
        """Look with `function` beside the event loop; None where this worker has no loop that could go on meanwhile."""
        hub, node = getattr(state.consumer, "hub", None), _node(state.consumer)
        if hub is None or node is None:
            return None
        self._tidy()
        if len(self._under_way) >= UNDER_WAY:
            return {"error": f"this worker looks at {UNDER_WAY} things already: ask again"}
        _leave_deferred(node)
        one = Deferred(hub, Look(function, fork=fork), seconds=seconds, finish=finish)
        self._under_way.append(one)
        return one

    def close(self) -> None:
        """Give up all that is under way: the connection by which it was asked is lost."""
        for one in self._under_way:
            one.close()
        self._under_way.clear()

    def _tidy(self) -> None:
        """Forget what is over, and what the loop forgot when it lost its connection."""
        for one in self._under_way:
            if time.monotonic() > one.end + 1.0:
                one.close()
        self._under_way = [one for one in self._under_way if not one.over]


def _node(consumer: Any) -> Any:
    """The node by which this worker is asked; None where it takes no commands."""
    boxes = (getattr(step, "box", None) for step in getattr(consumer.blueprint, "order", ()))
    nodes = (getattr(box, "node", None) for box in boxes)
    return next((node for node in nodes if node is not None), None)


def _leave_deferred(node: Any) -> None:
    """Let this node leave the reply to a command to its `Deferred`."""
    if getattr(node, "leaves_deferred", False):
        return
    reply = node.reply

    def reply_or_leave(data: dict[str, Any], **way: Any) -> None:
        [(hostname, found)] = data.items()
        if isinstance(found, Deferred):
            found.reply_by(lambda told: partial(reply, **way)({hostname: told}))
        else:
            reply(data, **way)

    node.reply, node.leaves_deferred = reply_or_leave, True
