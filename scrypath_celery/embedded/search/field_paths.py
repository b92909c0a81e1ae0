"""The names of all fields that documents have, those inside objects with their dotted paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .fields import nested_paths
from .store import Change


class Paths:
    """The fields of an index, in the order in which they were first met; a field that is gone stays."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def fill(self, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Take in all documents."""
        for _, document in documents:
            self.names.update(dict.fromkeys(nested_paths(document, "")))

    def change(self, changes: Iterable[Change]) -> None:
        """Follow changes of documents."""
        for one in changes:
            if one.after is not None:
                self.names.update(dict.fromkeys(nested_paths(one.after, "")))
