"""One saved search, as its file says it: inputs only, never results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

PlaybookMode = Literal["search", "search_many"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a file: where in it (`entries[0][2].filter`; empty for the whole), and why."""

    place: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """A saved search of format 1; `name` is its file's name without `.json`.

    Of mode `search` it has `schema` and `q`, of mode `search_many` it has `entries`, each a schema (or `:all`), a
    query and options. `opts` are the options of the search, or those that entries share.
    """

    name: str
    mode: PlaybookMode
    schema: str | None = None
    q: str | None = None
    entries: Sequence[tuple[str, str, Mapping[str, Any]]] = ()
    opts: Mapping[str, Any] = field(default_factory=dict)
    title: str | None = None
    description: str | None = None
    tags: Sequence[str] = ()

    @property
    def schemas(self) -> tuple[str, ...]:
        """The names of the schemas that it searches, without repetition."""
        named = [self.schema] if self.schema is not None else [entry[0] for entry in self.entries]
        listed = [name for one in named for name in ([one] if one != ":all" else self.opts["global_schemas"])]
        return tuple(dict.fromkeys(listed))

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> Playbook:
        """The playbook of a document in which no fault was found."""
        return cls(
            name=name,
            mode=document["mode"],
            schema=document.get("schema"),
            q=document.get("q"),
            entries=tuple((one[0], one[1], one[2]) for one in document.get("entries", ())),
            opts=document.get("opts", {}),
            title=document.get("title"),
            description=document.get("description"),
            tags=tuple(document.get("tags", ())),
        )
