"""The schemas of one `Scrypath`: declared on classes, found by class, record, name or index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar, Unpack

from sqlalchemy.exc import SQLAlchemyError

from ..errors import SchemaError
from . import fan_out, mapping
from .declaration import Declaration, schema_of
from .fan_out import FanOuts
from .generation import FIRST, generation_of, index_of, name_in
from .routes import Routes
from .schema import Schema

T = TypeVar("T")


class Schemas:
    """The schemas of one `Scrypath`, in the order of their declaration.

    `generation` tells which generation of the indexes is meant.
    """

    def __init__(self, generation: Callable[[], int] = lambda: FIRST) -> None:
        self._generation = generation
        self._by_model: dict[type[Any], list[Schema]] = {}
        self._covering: dict[type[Any], tuple[Schema, ...]] = {}
        self._by_index: dict[str, Schema] = {}
        self._elsewhere: dict[tuple[Schema, int], Schema] = {}
        self._without_index: dict[type[Any], Schema] = {}
        self.routes = Routes(self._owners, self.all_of)

    def __iter__(self) -> Iterator[Schema]:
        return iter(self._by_index.values())

    def __len__(self) -> int:
        return len(self._by_index)

    def declare(self, **declaration: Unpack[Declaration]) -> Callable[[type[T]], type[T]]:
        """A decorator that declares a mapped class as `add` does, and gives it back as it is."""

        def decorate(model: type[T]) -> type[T]:
            self.add(model, **declaration)
            return model

        return decorate

    def add(self, model: type[Any], **declaration: Unpack[Declaration]) -> Schema:
        """Declare a mapped class; again, under another `name`, for a further index.

        Raises:
            SchemaError: the class is not mapped, the name or the uid is taken or not one, a setting is unknown, or
                the primary key is composite and `document_id` is not given.
        """
        if mapping.mapper_of(model) is None:
            raise SchemaError(f"{model!r} is not a mapped class: declare it once it is mapped")
        schema = schema_of(model, declaration, self._generation)
        self._refuse_taken(schema)
        if model in self._without_index:
            raise SchemaError(f"{schema.path} has fan-outs without an index: declare them in its schema, as fan_outs=")
        self._by_model.setdefault(model, []).append(schema)
        self._covering.clear()
        self._by_index[schema.index] = schema
        self.routes.forget()
        return schema

    def _refuse_taken(self, schema: Schema) -> None:
        for other in self:
            if other.model is schema.model and other.name == schema.name and schema.given_name is None:
                raise SchemaError(f"{schema.path} is declared twice: give the further schema a name=")
            if other.name == schema.name and (other.given_name or schema.given_name):
                raise SchemaError(f"{schema.path} and {other.path} have one name: give one of them another name=")
        if schema.index in self._by_index:
            taken = self._by_index[schema.index].path
            raise SchemaError(f"{schema.path} and {taken} have one index, {schema.index!r}: give one of them index=")

    def add_owner(self, model: type[Any], fan_outs: FanOuts) -> Schema:
        """Declare the fan-outs of a mapped class that has no index of its own.

        Raises:
            SchemaError: the class is not mapped or declared already, or a fan-out is wrong or leads in a circle.
        """
        if mapping.mapper_of(model) is None:
            raise SchemaError(f"{model!r} is not a mapped class: declare it once it is mapped")
        if model in self._by_model or model in self._without_index:
            raise SchemaError(f"{_path(model)} is declared twice")
        owner = Schema(model=model, index="", fan_outs=fan_out.declared(model, fan_outs))
        self._without_index[model] = owner
        self.routes.forget()
        return owner

    def _owners(self) -> Iterator[Schema]:
        yield from (schema for schema in self if schema.fan_outs)
        yield from self._without_index.values()

    def covering(self, model: type[Any]) -> tuple[Schema, ...]:
        """All schemas that hold records of a class: its own and those of its bases, the nearest first."""
        found = self._covering.get(model)
        if found is None:
            found = tuple(schema for owner in model.__mro__ for schema in self._by_model.get(owner, ()))
            self._covering[model] = found
        return found

    def of_record(self, record: Any, name: str | None = None) -> tuple[Schema, ...]:
        """All schemas that hold a record, or the one of this name.

        Raises:
            SchemaError: there is none, or the name is not one of them.
        """
        model = type(record)
        found = self.covering(model)
        if not found:
            raise SchemaError(f"{_path(model)} has no search schema{self._declared()}")
        chosen = found if name is None else tuple(schema for schema in found if name in (schema.name, schema.path))
        if not chosen:
            listed = ", ".join(schema.name for schema in found)
            raise SchemaError(f"{_path(model)} has no schema {name!r}: its schemas are {listed}")
        return chosen

    def all_of(self, target: Any) -> tuple[Schema, ...]:
        """The schemas of a class or a record, or the one of a name; undeclared subclasses have their base's.

        The name of a class, or its dotted path, stands for all its schemas where none is called so.

        Raises:
            SchemaError: there is none (the nearest name is suggested), or classes of one name (the paths are listed).
        """
        if isinstance(target, Schema):
            return (target,)
        if isinstance(target, str):
            return self._named(target)
        model = target if isinstance(target, type) else type(target)
        found = next((self._by_model[owner] for owner in model.__mro__ if owner in self._by_model), None)
        if found is None:
            raise SchemaError(f"{_path(model)} has no search schema{self._declared()}")
        return tuple(found)

    def of(self, target: Any) -> Schema:
        """The one schema that `all_of` finds.

        Raises:
            SchemaError: there is none, or there are several, whose names are listed.
        """
        found = self.all_of(target)
        if len(found) > 1:
            listed = ", ".join(schema.name for schema in found)
            raise SchemaError(f"{found[0].model.__name__} has several search schemas: name one of {listed}")
        return found[0]

    def searched(self, target: Any) -> Schema:
        """The schema of a class that is searched, which must be declared itself: its base's index holds more than it.

        Raises:
            SchemaError: it is not declared; where one of its bases is, the message names that one.
        """
        found = self.of(target)
        if isinstance(target, type) and found.model is not target:
            raise SchemaError(
                f"{target.__qualname__} has no search schema of its own: search {found.name}, whose index holds its"
                " documents among others, or declare it"
            )
        return found

    def by_uid(self, uid: str) -> Schema | None:
        """The schema of an index (uid without prefix) of the generation that is meant, or None."""
        return self._by_index.get(index_of(uid)) if generation_of(uid) == self._generation() else None

    def in_generation(self, schema: Schema, generation: int) -> Schema:
        """The same schema, of which another generation is meant, and named for it."""
        found = self._elsewhere.get((schema, generation))
        if found is None:
            other = replace(schema, generation=lambda: generation, given_name=name_in(schema.name, generation))
            found = self._elsewhere.setdefault((schema, generation), other)
        return found

    def check(self) -> None:
        """Check all schemas whose mappers are configured; raises SchemaError as `Schema.check` does."""
        for schema in (*self, *self._without_index.values()):
            schema.check()
        self.routes.check()

    def complete(self) -> None:
        """Configure the mappers of all schemas, once everything is imported, and check them.

        Raises:
            SchemaError: as `Schema.check` does, or the mappers of a class cannot be configured.
        """
        for schema in self:
            try:
                schema.mapper.registry.configure(cascade=True)
            except SQLAlchemyError as exc:
                text = " ".join(str(exc).split())
                raise SchemaError(f"the mappers of {schema.path} cannot be configured: {text[:300]}") from exc
            schema.check()

    def _named(self, name: str) -> tuple[Schema, ...]:
        named = tuple(schema for schema in self if name in (schema.name, schema.path))
        found = named or tuple(schema for schema in self if name in (schema.model.__name__, _path(schema.model)))
        if len({schema.model for schema in found}) > 1:
            raise SchemaError(f"{name!r} is ambiguous: {', '.join(schema.path for schema in found)}")
        if not found:
            names = [text for schema in self for text in (schema.name, schema.path)]
            raise SchemaError(f"no schema {name!r}{mapping.nearest(name, names) or self._declared()}")
        return found

    def _declared(self) -> str:
        return f"; declared are {', '.join(schema.name for schema in self)}" if self._by_index else "; none is declared"


def _path(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
