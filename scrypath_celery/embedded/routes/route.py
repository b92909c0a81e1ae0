"""What a route is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..call import Answer, Call
from ..core import Core

Handler = Callable[[Core, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. `action` is what a key needs for it (None: it is open to all).

    `path` holds variable parts in braces. A `slow` route may take long and is run off the event loop.
    """

    method: str
    path: str
    handler: Handler
    action: str | None
    slow: bool = False
