"""Whether Celery runs tasks where they are sent (`task_always_eager`), which every commit that registers asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

_SETTING = "task_always_eager"


class Eager:
    """Asks the configuration of a Celery app, which may change at any time.

    It looks into the configuration's mappings itself: Celery's own look raises and catches an exception for each
    spelling that each of them has not, which takes fifteen times as long.
    """

    def __init__(self) -> None:
        self._spellings: tuple[Any, tuple[str, ...]] | None = None

    def now(self, app: Celery) -> bool:
        """Whether tasks are eager now."""
        conf = app.conf
        if self._spellings is None or self._spellings[0] is not conf:
            found = bool(conf.task_always_eager)  # loads it, where nobody has yet, and may put another in its place
            conf = app.conf
            # Private: the name as the app's namespace and its older configurations spell it.
            self._spellings = conf, tuple(dict.fromkeys(conf._to_keys(_SETTING)))
            return found
        for mapping in conf.maps:
            for key in self._spellings[1]:
                value = mapping.get(key)
                if value is not None:
                    return bool(value)
        return False
