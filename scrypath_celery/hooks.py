"""Hooks: decorators of a `Scrypath` that connect a function to a signal, for the classes that it declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar, overload

from .application import Attached
from .errors import ConfigError

Receiver = TypeVar("Receiver", bound=Callable[..., Any])


@dataclass(frozen=True)
class Hook:
    """Connects functions to one signal: `@search.on_dead_letter`, or `@search.on_dead_letter(Post)` for one class.

    A name in place of the class (`"posts_internal"`) is one schema of a class that has several.

    They are called as receivers of the signal are, and kept for as long as the process lives.

    Raises:
        ConfigError: it is nothing that can be called, or a coroutine function, which nobody would await.
        SchemaError: no schema has this name.
    """

    owner: Attached
    signal: str

    @overload
    def __call__(self, target: type[Any] | str | None = None) -> Callable[[Receiver], Receiver]: ...

    @overload
    def __call__(self, target: Receiver) -> Receiver: ...

    def __call__(self, target: Any = None) -> Any:
        if isinstance(target, str):
            name = self.owner.schemas.of(target).name
            return lambda receiver: self._connect(receiver, None, name)
        if target is None or isinstance(target, type):
            return lambda receiver: self._connect(receiver, target)
        return self._connect(target, None)

    def _connect(self, receiver: Receiver, model: type[Any] | None, schema: str | None = None) -> Receiver:
        if not callable(receiver) or iscoroutinefunction(receiver):
            raise ConfigError(f"a receiver of {self.signal} is a function that is called, not awaited: {receiver!r}")

        from . import signals  # loads Celery

        def receive(sender: Any, **payload: Any) -> None:
            ours = sender is model if model is not None else self.owner.declares(sender)
            if ours and schema in (None, payload["schema"]):
                receiver(sender=sender, **payload)

        getattr(signals, self.signal).connect(receive, weak=False)
        return receiver


class Hooks(Attached):
    """What is attached to a Celery app and a database, with a hook for each signal; see `signals`."""

    @property
    def on_work_enqueued(self) -> Hook:
        """Works were written, and are committed."""
        return Hook(self, "work_enqueued")

    @property
    def on_claimed(self) -> Hook:
        """A process claimed works."""
        return Hook(self, "claimed")

    @property
    def on_settled(self) -> Hook:
        """A claim was settled, or works of it that were left to the engine."""
        return Hook(self, "settled")

    @property
    def on_dead_letter(self) -> Hook:
        """Works became dead letters."""
        return Hook(self, "dead_lettered")

    @property
    def on_index_paused(self) -> Hook:
        """Nothing of an index is tried for a time."""
        return Hook(self, "index_paused")

    @property
    def on_index_resumed(self) -> Hook:
        """A pause ended."""
        return Hook(self, "index_resumed")

    @property
    def on_rebuild_progress(self) -> Hook:
        """A rebuild went on."""
        return Hook(self, "rebuild_progress")

    @property
    def on_rebuild_finished(self) -> Hook:
        """A rebuild is over."""
        return Hook(self, "rebuild_finished")

    @property
    def on_drift_found(self) -> Hook:
        """Database and index differ."""
        return Hook(self, "drift_found")

    @property
    def on_contract_drift(self) -> Hook:
        """A declaration is another one than its index was made with."""
        return Hook(self, "contract_drift")
