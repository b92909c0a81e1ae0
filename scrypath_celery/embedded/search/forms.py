"""What is derived from an index's documents: words, columns and places, each built when it is first asked for."""

from __future__ import annotations

from typing import Any

from .column import Column
from .field_paths import Paths
from .filterable import Filterable
from .geo import Places
from .store import Store
from .textual import Textual
from .tokens import Tokenizer

# The settings that decide what words a document has; a change of any of them means to read all documents again.
_TEXTUAL = ("searchableAttributes", "stopWords", "separatorTokens", "nonSeparatorTokens", "dictionary")


class Forms:
    """The documents of an index, its settings, and what is derived from both.

    A write costs nothing here but its place in the store: the next question brings what exists up to date, and what
    was never asked for is never built.
    """

    def __init__(self, uid: str, settings: dict[str, Any], primary_key: str | None) -> None:
        self.store = Store()
        self.uid, self.settings, self.primary_key = uid, settings, primary_key
        self.filterable = Filterable(settings["filterableAttributes"])
        self.tokenizer = Tokenizer(settings)
        self._shown_tokenizer: Tokenizer | None = None
        self._textual: Textual | None = None
        self._columns: dict[str, Column] = {}
        self._places: Places | None = None
        self._paths: Paths | None = None

    def configure(self, uid: str, settings: dict[str, Any], primary_key: str | None) -> None:
        """Take other settings; drop what they make stale."""
        if any(settings[key] != self.settings[key] for key in _TEXTUAL):
            self._textual = None
            self.tokenizer, self._shown_tokenizer = Tokenizer(settings), None
        self.uid, self.settings, self.primary_key = uid, settings, primary_key
        self.filterable = Filterable(settings["filterableAttributes"])

    def clear(self) -> None:
        """Forget all documents and what was derived from them."""
        self.store = Store()
        self._textual, self._places, self._paths = None, None, None
        self._columns.clear()

    def _follow(self) -> None:
        if not self.store.changed():
            return
        others = [form for form in (self._textual, self._places, self._paths) if form is not None]
        built: list[Column | Textual | Places | Paths] = [*self._columns.values(), *others]
        if not built:
            self.store.forget_changes()
            return
        changes = self.store.changes()
        if 2 * len(changes) > len(self.store):  # cheaper to build again than to follow
            self._textual, self._places, self._paths = None, None, None
            self._columns.clear()
            return
        for form in built:
            form.change(changes)

    def knows(self, name: str) -> bool:
        """Whether a document ever had a field of that name, or one inside another where it has a dot."""
        return name in self.store.names or ("." in name and name in self.paths.names)

    @property
    def shown_tokenizer(self) -> Tokenizer:
        """The tokenizer for texts that are shown: it knows no stop words."""
        if not self.settings["stopWords"]:
            return self.tokenizer
        if self._shown_tokenizer is None:
            self._shown_tokenizer = Tokenizer({**self.settings, "stopWords": []})
        return self._shown_tokenizer

    @property
    def paths(self) -> Paths:
        """The fields of the documents, those inside others too."""
        self._follow()
        if self._paths is None:
            self._paths = Paths()
            self._paths.fill(self.store.each())
        return self._paths

    @property
    def textual(self) -> Textual:
        """The words of the documents."""
        self._follow()
        if self._textual is None:
            self._textual = Textual(self.settings, self.tokenizer)
            self._textual.fill(self.store.each())
        return self._textual

    def column(self, attribute: str) -> Column:
        """The values of one attribute."""
        self._follow()
        column = self._columns.get(attribute)
        if column is None:
            column = self._columns[attribute] = Column(attribute)
            column.fill(self.store.each())
        return column

    @property
    def places(self) -> Places:
        """The places of the documents."""
        self._follow()
        if self._places is None:
            self._places = Places()
            self._places.fill(self.store.each())
        return self._places
