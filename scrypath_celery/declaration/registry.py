"""The schemas of one `Scrypath`: declared on classes, found by class, record, name or index."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from ..errors import SchemaError
from . import mapping
from .schema import IndexIf, Schema, Statement
from .setting_checks import checked, declared_form, missing_rules
from .setting_names import engine_form
from .setting_types import Faceting, Settings

T = TypeVar("T")

INDEX_UID = re.compile(r"[A-Za-z0-9_-]{1,400}")
"""What Meilisearch takes as the uid of an index."""

_ARGUMENTS = {"filterableAttributes": "filterable", "sortableAttributes": "sortable", "faceting": "faceting"}


class Declaration(TypedDict, total=False):
    """What a declaration may say.

    `fields` are searched, in the order of their weight. `filterable`, `sortable`, `settings` are the engine's.
    `faceting` is the engine's setting too (`maxValuesPerFacet`, `sortFacetValuesBy`), and under `attributes` the
    fields to count by, which become filterable. `document_id` names the unique field that is the document's id (the
    primary key where it is left out), `tenant_field` one that every document has and that becomes filterable,
    `index` the index (the table's name where it is left out). `index_if` says which records are indexed, `select`
    gives the statement that they are read with. `depends_on` names the columns that documents are made of: `track` and
    triggers leave changes of others alone (without it they do where no code of the model's decides). `version` is a
    word that changes when the projection does: it stands for the source of `search_document`, `select` and `index_if`
    where that cannot be read. Ranking rules that leave out one of the engine's defaults are refused at a rebuild unless
    `ranking_rules_strict` is false.
    """

    fields: Sequence[str]
    filterable: Sequence[Any]
    sortable: Sequence[str]
    faceting: Faceting | Mapping[str, Any] | None
    settings: Settings | Mapping[str, Any] | None
    ranking_rules_strict: bool
    document_id: str | None
    tenant_field: str | None
    index: str | None
    index_if: IndexIf | None
    select: Statement | None
    depends_on: Sequence[str] | None
    version: str | None


class Schemas:
    """The schemas of one `Scrypath`, in the order of their declaration."""

    def __init__(self) -> None:
        self._by_model: dict[type[Any], Schema] = {}
        self._by_uid: dict[str, Schema] = {}

    def __iter__(self) -> Iterator[Schema]:
        return iter(self._by_model.values())

    def __len__(self) -> int:
        return len(self._by_model)

    def declare(self, **declaration: Unpack[Declaration]) -> Callable[[type[T]], type[T]]:
        """A decorator that declares a mapped class as `add` does, and gives it back as it is."""

        def decorate(model: type[T]) -> type[T]:
            self.add(model, **declaration)
            return model

        return decorate

    def add(self, model: type[Any], **declaration: Unpack[Declaration]) -> Schema:
        """Declare a mapped class.

        Raises:
            SchemaError: the class is not mapped or declared already, the uid is taken or not one, a setting is
                unknown, or the primary key is composite and `document_id` is not given.
        """
        if mapping.mapper_of(model) is None:
            raise SchemaError(f"{model!r} is not a mapped class: declare it once it is mapped")
        if model in self._by_model:
            raise SchemaError(f"{model.__module__}.{model.__qualname__} is declared twice")
        schema = _schema(model, declaration)
        if schema.uid in self._by_uid:
            taken = self._by_uid[schema.uid].path
            raise SchemaError(f"{schema.path} and {taken} have one index, {schema.uid!r}: give one of them index=")
        self._by_model[model] = self._by_uid[schema.uid] = schema
        return schema

    def covering(self, model: type[Any]) -> tuple[Schema, ...]:
        """All schemas that hold records of a class: its own and those of its bases, the nearest first."""
        return tuple(self._by_model[owner] for owner in model.__mro__ if owner in self._by_model)

    def of(self, target: Any) -> Schema:
        """The schema of a class, a record, a class name or a dotted path; undeclared subclasses have their base's.

        Raises:
            SchemaError: there is none (the nearest name is suggested), or the name is ambiguous (the paths are listed).
        """
        if isinstance(target, Schema):
            return target
        if isinstance(target, str):
            return self._named(target)
        model = target if isinstance(target, type) else type(target)
        found = self.covering(model)
        if not found:
            raise SchemaError(f"{model.__module__}.{model.__qualname__} has no search schema{self._declared()}")
        return found[0]

    def by_uid(self, uid: str) -> Schema | None:
        """The schema of an index (uid without prefix), or None."""
        return self._by_uid.get(uid)

    def check(self) -> None:
        """Check all schemas whose mappers are configured; raises SchemaError as `Schema.check` does."""
        for schema in self:
            schema.check()

    def _named(self, name: str) -> Schema:
        found = [schema for schema in self if name in (schema.name, schema.path)]
        if len(found) > 1:
            raise SchemaError(f"{name!r} is ambiguous: {', '.join(schema.path for schema in found)}")
        if not found:
            names = [text for schema in self for text in (schema.name, schema.path)]
            raise SchemaError(f"no schema {name!r}{mapping.nearest(name, names) or self._declared()}")
        return found[0]

    def _declared(self) -> str:
        return f"; declared are {', '.join(schema.name for schema in self)}" if self._by_model else "; none is declared"


def _schema(model: type[Any], declaration: Declaration) -> Schema:
    unknown = sorted(set(declaration) - Declaration.__annotations__.keys())
    if unknown:
        near = mapping.nearest(unknown[0], Declaration.__annotations__)
        raise SchemaError(f"{model.__qualname__}: unknown option {unknown[0]!r} of a schema{near}")
    depends_on = declaration.get("depends_on")
    schema = Schema(
        model=model,
        uid=_uid(model, declaration.get("index")),
        fields=_names(model, "fields", declaration.get("fields", ())),
        filterable=_filterable(model, declaration.get("filterable", ())),
        sortable=_names(model, "sortable", declaration.get("sortable", ())),
        faceting=_faceting(model, declaration.get("faceting") or {}),
        settings=_settings(model, declaration.get("settings") or {}),
        ranking_rules_strict=declaration.get("ranking_rules_strict", True),
        document_id=declaration.get("document_id"),
        tenant_field=declaration.get("tenant_field"),
        index_if=declaration.get("index_if"),
        select=declaration.get("select"),
        depends_on=_names(model, "depends_on", depends_on) if depends_on is not None else None,
        version=declaration.get("version"),
    )
    _warn(schema)
    _ = schema.key  # a composite primary key is refused now
    return schema


def _uid(model: type[Any], index: str | None) -> str:
    uid = index if index is not None else mapping.table_name(model)
    if uid is None:
        raise SchemaError(f"{model.__qualname__} has no table name: give index=")
    if not INDEX_UID.fullmatch(uid):
        raise SchemaError(
            f"{model.__qualname__}: index {uid!r} must be 1 to 400 of a-z, A-Z, 0-9, - and _: give index="
        )
    return uid


def _listed(model: type[Any], what: str, value: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(value, str | Mapping):
        raise SchemaError(f"{model.__qualname__}: {what} must be a list of names, not {type(value).__name__}")
    return tuple(value)


def _names(model: type[Any], what: str, value: Iterable[str]) -> tuple[str, ...]:
    names = _listed(model, what, value)
    if not all(isinstance(name, str) for name in names):
        raise SchemaError(f"{model.__qualname__}: {what} must be a list of names")
    return names


def _filterable(model: type[Any], given: Iterable[Any]) -> tuple[Any, ...]:
    listed = _listed(model, "filterable", given)
    return tuple(engine_form("filterableAttributes", listed, f"{model.__qualname__}: filterable"))


def _settings(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    settings = declared_form(given, model.__qualname__)
    for name, argument in _ARGUMENTS.items():
        if name in settings:
            raise SchemaError(f"{model.__qualname__}: declare {name} as {argument}=, not in settings=")
    return settings


def _faceting(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    attributes = _names(model, "faceting attributes", given.get("attributes", ()))
    rest = {name: value for name, value in given.items() if name != "attributes"}
    faceting: dict[str, Any] = checked("faceting", rest, f"{model.__qualname__}: faceting")
    return {**faceting, "attributes": attributes} if attributes else faceting


def _warn(schema: Schema) -> None:
    missing = missing_rules(schema.settings.get("rankingRules"))
    if missing and schema.ranking_rules_strict:
        warnings.warn(
            f"{schema.name}: ranking_rules leaves out {', '.join(missing)}, which the engine has by default: a rebuild"
            " refuses that; add it, or declare ranking_rules_strict=False",
            stacklevel=5,
        )
