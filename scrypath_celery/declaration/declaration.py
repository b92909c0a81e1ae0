"""What a declaration may say of a mapped class, and the schema that is made of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from ..errors import SchemaError
from . import fan_out, mapping
from .fan_out import FanOuts
from .generation import FIRST, generation_of
from .schema import IndexIf, Projection, Schema, Statement
from .setting_checks import checked, declared_form, missing_rules
from .setting_names import engine_form
from .setting_types import Faceting, Settings

INDEX_UID = re.compile(r"[A-Za-z0-9_-]{1,400}")
"""What Meilisearch takes as the uid of an index."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
"""What a schema may be called."""

_ARGUMENTS = {"filterableAttributes": "filterable", "sortableAttributes": "sortable", "faceting": "faceting"}


Names = list[str] | tuple[str, ...]
"""A list of names; a string, which is a sequence of letters, is none."""


class Declaration(TypedDict, total=False):
    """What a declaration may say.

    `fields` are searched, in the order of their weight. `filterable`, `sortable`, `settings` are the engine's.
    `faceting` is the engine's setting too (`maxValuesPerFacet`, `sortFacetValuesBy`), and under `attributes` the fields
    to count by, which become filterable. `document_id` names the unique field that is the document's id (the primary
    key where it is left out), `tenant_field` one that every document has and that becomes filterable, `index` the index
    (the name of the schema or else of the table where it is left out). `name` is what the schema is called (the class's
    name where it is left out): each further schema of a class needs one. `index_if` says which records are indexed,
    `select` gives the statement that they are read with, `document` is a function of a record that makes its document,
    in place of a method `search_document`. `depends_on` names the columns that documents are made of: `track` and
    triggers leave changes of others alone (without it they do where no code of the model's decides). `version` is a
    word that changes when the projection does: it stands for the source of `search_document` or `document`, `select`
    and `index_if` where that cannot be read. Ranking rules that leave out one of the engine's defaults are refused at a
    rebuild unless `ranking_rules_strict` is false. `fan_outs` are the relationships (or `FanOut`s by name) whose
    documents are re-synced when a record of this class changes.
    """

    fields: Names
    filterable: list[Any] | tuple[Any, ...]
    sortable: Names
    faceting: Faceting | Mapping[str, Any] | None
    settings: Settings | Mapping[str, Any] | None
    ranking_rules_strict: bool
    document_id: str | None
    tenant_field: str | None
    name: str | None
    index: str | None
    index_if: IndexIf | None
    select: Statement | None
    document: Projection | None
    depends_on: Names | None
    version: str | None
    fan_outs: FanOuts | None


def schema_of(model: type[Any], declaration: Declaration, generation: Callable[[], int]) -> Schema:
    """The schema that a declaration makes of a mapped class; `generation` tells which one of its index is meant.

    Raises:
        SchemaError: an option or setting is unknown or wrong, or there is no one field for the document id.
    """
    unknown = sorted(set(declaration) - Declaration.__annotations__.keys())
    if unknown:
        near = mapping.nearest(unknown[0], Declaration.__annotations__)
        raise SchemaError(f"{model.__qualname__}: unknown option {unknown[0]!r} of a schema{near}")
    depends_on, index = declaration.get("depends_on"), declaration.get("index")
    name = _name(model, declaration.get("name"))
    schema = Schema(
        model=model,
        given_name=name,
        index=_index(model, index if index is not None else name),
        generation=generation,
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
        document=_document(model, declaration.get("document")),
        depends_on=_names(model, "depends_on", depends_on) if depends_on is not None else None,
        version=declaration.get("version"),
        fan_outs=fan_out.declared(model, declaration.get("fan_outs"), name),
    )
    _warn(schema)
    _ = schema.key  # a composite primary key is refused now
    return schema


def _name(model: type[Any], name: str | None) -> str | None:
    if name is not None and not (isinstance(name, str) and NAME.fullmatch(name)):
        raise SchemaError(f"{model.__qualname__}: name {name!r} must be 1 to 100 of a-z, A-Z, 0-9, - and _")
    return name


def _document(model: type[Any], document: Projection | None) -> Projection | None:
    if document is not None and not callable(document):
        raise SchemaError(f"{model.__qualname__}: document must be a function of a record, not {document!r}")
    return document


def _index(model: type[Any], index: str | None) -> str:
    uid = index if index is not None else mapping.table_name(model)
    if uid is None:
        raise SchemaError(f"{model.__qualname__} has no table name: give index=")
    if not INDEX_UID.fullmatch(uid):
        raise SchemaError(
            f"{model.__qualname__}: index {uid!r} must be 1 to 400 of a-z, A-Z, 0-9, - and _: give index="
        )
    if generation_of(uid) != FIRST:
        raise SchemaError(f"{model.__qualname__}: index {uid!r} ends like one of another generation: give index=")
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
