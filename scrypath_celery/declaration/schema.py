"""Schemas: the search declarations of mapped classes. Metadata only: declaring one hooks nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from sqlalchemy import CHAR, Column, Select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapper

from ..errors import SchemaError
from . import changes, mapping, settings
from .document_ids import id_text
from .fan_out import FanOut
from .generation import FIRST, name_in
from .source_text import source_text

IndexIf = str | Callable[[Any], bool]
"""Which records are indexed: the name of a boolean column or hybrid (the database can count them), or a property
or callable on a record (Python alone knows)."""

Projection = Callable[[Any], Mapping[str, Any]]
"""Makes the document of a record."""

Statement = Callable[[], Select[Any]]
"""Gives the statement that records are read with: `select(Model)` with criteria and loader options, no limit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Schema:
    """What is declared for one mapped class and one index; made by `Schemas.add`.

    `given_name` is its own name, where it does not go by that of the class. `index` is the index as declared;
    `generation` tells which generation of it is meant. `fields` are searched, in the order of their weight;
    `filterable`, `sortable` and `faceting` as the engine takes them. `settings` are further engine settings, in its
    spelling.
    """

    model: type[Any]
    given_name: str | None = None
    index: str
    generation: Callable[[], int] = lambda: FIRST
    fields: tuple[str, ...] = ()
    filterable: tuple[Any, ...] = ()
    sortable: tuple[str, ...] = ()
    faceting: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    ranking_rules_strict: bool = True
    document_id: str | None = None
    tenant_field: str | None = None
    index_if: IndexIf | None = None
    select: Statement | None = None
    document: Projection | None = None
    depends_on: tuple[str, ...] | None = None
    version: str | None = None
    fan_outs: Mapping[str, FanOut] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What commands and results call it: its own name, or the class's."""
        return self.given_name or self.model.__name__

    @property
    def uid(self) -> str:
        """The index's uid without prefix, in the generation that is meant; empty where there is no index."""
        return name_in(self.index, self.generation()) if self.index else ""

    @property
    def path(self) -> str:
        """The dotted path, `module.Class`, followed by its own name, if any, in brackets."""
        path = f"{self.model.__module__}.{self.model.__qualname__}"
        return path if self.given_name is None else f"{path} ({self.given_name})"

    @cached_property
    def mapper(self) -> Mapper[Any]:
        """The class's mapper, which reading it does not configure.

        Raises:
            SchemaError: the class is not mapped (yet).
        """
        mapper = mapping.mapper_of(self.model)
        if mapper is None:
            raise SchemaError(f"{self.path} is not a mapped class (yet)")
        return mapper

    @cached_property
    def key(self) -> str:
        """The attribute that holds the document id; also its name in documents, and the index's primary key.

        Raises:
            SchemaError: the primary key is composite and `document_id` names no attribute.
        """
        if self.document_id is not None:
            return self.document_id
        names = mapping.primary_key(self.mapper)
        if len(names) != 1:
            listed = ", ".join(names)
            raise SchemaError(
                f"{self.name} has a composite primary key ({listed}): name one unique field as document_id="
            )
        return names[0]

    @cached_property
    def by_primary_key(self) -> bool:
        """Whether the document id is the primary key."""
        return mapping.primary_key(self.mapper) == (self.key,)

    @cached_property
    def padded(self) -> bool:
        """Whether databases fill the document id up with blanks, which are no part of it (`CHAR`)."""
        return mapping.has_expression(self.model, self.key) and isinstance(getattr(self.model, self.key).type, CHAR)

    def id_of(self, value: Any) -> str:
        """The document id that a value of the key stands for, as the database gives it.

        Raises:
            ProjectionError: it is None, or of a type that ids cannot have.
        """
        text = id_text(value)
        return text.rstrip(" ") if self.padded else text

    def ids_of(self, values: Sequence[Any]) -> tuple[str, ...]:
        """The document ids that many values of the key stand for; whole numbers, which most are, in one go.

        Raises:
            ProjectionError: as `id_of`.
        """
        if set(map(type, values)) == {int}:
            return tuple(map(str, values))
        return tuple(map(self.id_of, values))

    @cached_property
    def projection(self) -> Any:
        """The application's own projection: `document`, or the class's `search_document`; None where there is none."""
        return self.document or mapping.static(self.model, "search_document")

    @property
    def projection_name(self) -> str:
        """What messages call the application's own projection."""
        return "search_document" if self.document is None else getattr(self.document, "__name__", "document=")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields of the default projection, the id first."""
        wanted = (*self.fields, *settings.attributes(self._filterable()), *self.sortable)
        plain = (name.partition(".")[0] for name in wanted if "*" not in name)
        return tuple(dict.fromkeys((self.key, *plain)))

    @cached_property
    def own_names(self) -> tuple[str, ...]:
        """Those of `names` that records have; where there is a `search_document` it may add the others.

        Ask only once the mappers are configured.
        """
        if mapping.static(self.model, "search_document") is None:
            return self.names
        return tuple(name for name in self.names if mapping.is_field(self.model, name))

    @cached_property
    def values(self) -> Callable[[Any], Any]:
        """Reads the fields of `own_names` from a record at once (a tuple where there is more than one)."""
        return attrgetter(*self.own_names)

    @cached_property
    def counted_by_database(self) -> bool:
        """Whether the database can tell which records are indexed (`index_if` is None or has an SQL expression)."""
        return self.index_if is None or (
            isinstance(self.index_if, str) and mapping.has_expression(self.model, self.index_if)
        )

    @cached_property
    def plain(self) -> bool:
        """Whether documents are made of columns alone, so that no code of the model's has a part in them.

        Ask only once the mappers are configured.
        """
        named = (*self.names, *((self.index_if,) if isinstance(self.index_if, str) else ()))
        return (
            not callable(self.index_if)
            and self.projection is None
            and mapping.is_single(self.mapper)
            and all(mapping.is_plain(self.mapper, name) for name in named)
        )

    @cached_property
    def dependencies(self) -> frozenset[str] | None:
        """The columns whose change changes a document; None where any change may, since code decides.

        Those of `depends_on`, or where documents are made of columns alone the declared ones. Ask only once the
        mappers are configured.
        """
        named = self.depends_on
        if named is None and self.select is None and self.plain:
            named = self.names
        if named is None:
            return None
        others = (self.key, self.index_if, self.tenant_field)
        known = frozenset([*named, *(name for name in others if isinstance(name, str))])
        columns = frozenset(name for name in known if mapping.is_column(self.mapper, name))
        return columns if self.depends_on is not None or columns == known else None

    @cached_property
    def attributes_to_watch(self) -> frozenset[str] | None:
        """The attributes of which one is set wherever a flush changes a document; None where any flush may change one.

        A column that changes with every UPDATE is set by nobody. A record whose discriminator changes leaves its class.
        """
        found, mapper = self.dependencies, self.mapper
        if found is None or any(mapping.changes_unasked(mapper, name) for name in found):
            return None
        kind = mapper.polymorphic_on
        if kind is None:
            return found
        return found | {mapper.get_property_by_column(kind).key} if isinstance(kind, Column) else None

    def indexable(self, record: Any) -> bool:
        """Whether `index_if` lets this record into the index."""
        if self.index_if is None:
            return True
        return bool(getattr(record, self.index_if) if isinstance(self.index_if, str) else self.index_if(record))

    def declared_settings(self) -> dict[str, Any]:
        """The declared settings in the engine's spelling; what is not declared is not in it."""
        declared: dict[str, Any] = {}
        if self.fields:
            declared["searchableAttributes"] = list(self.fields)
        if self._filterable():
            declared["filterableAttributes"] = self._filterable()
        if self.sortable:
            declared["sortableAttributes"] = list(self.sortable)
        faceting = {name: value for name, value in self.faceting.items() if name != "attributes"}
        if faceting:
            declared["faceting"] = faceting
        return {**declared, **self.settings}

    @cached_property
    def sources(self) -> dict[str, str | None]:
        """The source of each callable that decides the documents; None where it cannot be read."""
        found = {
            "search_document" if self.document is None else "document": self.projection,
            "select": self.select,
            "index_if": self._index_if_source(),
        }
        return {name: source_text(one) for name, one in found.items() if one is not None}

    @cached_property
    def declared(self) -> changes.Declared:
        """All that decides the documents and the index's settings, as the ledger notes what an index was made with.

        The source of `search_document` or `document`, `select` and `index_if` is part of it, or `version` in its place.
        """
        documents: dict[str, Any] = {changes.FIELDS: sorted(self.names)}
        if isinstance(self.index_if, str):
            documents["index_if"] = self.index_if
        if self.version is not None:
            documents["version"] = self.version
        else:
            documents |= {name: _digest(documents.get(name), text) for name, text in self.sources.items()}
        shown = settings.masked(self.declared_settings())
        found = {changes.KEY: self.key, changes.SETTINGS: shown, changes.DOCUMENTS: documents}
        declared: changes.Declared = json.loads(settings.canonical(found))
        return declared

    def fingerprint(self) -> str:
        """Changes when `declared` changes (64 hexadecimal digits)."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return changes.fingerprint(self.declared)

    def _index_if_source(self) -> Any:
        if not isinstance(self.index_if, str):
            return self.index_if
        found = mapping.static(self.model, self.index_if)
        return found.fget if isinstance(found, property | hybrid_property) else None

    def check(self) -> None:
        """Check the declared names against the class, once its mappers are configured; before that do nothing.

        Raises:
            SchemaError: a name is unknown (the nearest one is suggested), or cannot be what it is declared to be.
        """
        if "_checked" not in self.__dict__ and mapping.configured(self.mapper):
            _ = self._checked

    @cached_property
    def _checked(self) -> bool:
        mapper = self.mapper
        if not self.index:  # it has fan-outs alone, which are checked apart
            return True
        self._check_id(mapper)
        # What a projection of the application's puts into a document needs no attribute of the same name.
        for name in (self.key,) if self.projection is not None else self.names:
            self._check_name(name, mapper)
        if isinstance(self.index_if, str):
            self._check_name(self.index_if, mapper)
        if self.tenant_field is not None:
            self._check_name(self.tenant_field, mapper)
        for name in self.depends_on or ():
            self._check_name(name, mapper)
            if not mapping.is_column(mapper, name):
                raise SchemaError(f"{self.name}: depends_on names columns, and {name!r} is none")
        return True

    def _check_id(self, mapper: Mapper[Any]) -> None:
        self._check_name(self.key, mapper)
        if not mapping.has_expression(self.model, self.key):
            raise SchemaError(
                f"{self.name}: document_id {self.key!r} must be a column or a hybrid: records are found by it"
            )

    def _check_name(self, name: str, mapper: Mapper[Any]) -> None:
        if not mapping.is_field(self.model, name):
            raise SchemaError(
                f"{self.name} has no field {name!r}{mapping.nearest(name, mapping.fields(self.model, mapper))}"
            )
        if mapping.is_relationship(mapper, name):
            raise SchemaError(f"{self.name}.{name} is a relationship: project it in search_document, or by a property")

    def _filterable(self) -> list[Any]:
        names = [*self.filterable, *self.faceting.get("attributes", ())]
        if self.tenant_field is not None:
            names.append(self.tenant_field)
        return [item for at, item in enumerate(names) if item not in names[:at]]


def _digest(named: str | None, source: str | None) -> str:
    """What stands for a source, and for the name that it has in the declaration, if any."""
    return hashlib.sha256(settings.canonical([named, source]).encode()).hexdigest()[:16]
