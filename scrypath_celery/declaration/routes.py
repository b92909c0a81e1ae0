"""The fan-outs of one `Scrypath`: found by the class that changes, or by the name that the ledger keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..errors import SchemaError
from . import fan_out, mapping
from .fan_out import Route
from .schema import Schema


class Routes:
    """The fan-outs of all owners, checked once the mappers are configured.

    `owners` gives the schemas that declare some (of classes without an index, too), `schemas_of` finds targets.
    """

    def __init__(self, owners: Callable[[], Iterable[Schema]], schemas_of: Callable[[Any], Sequence[Schema]]) -> None:
        self._owners = owners
        self._schemas_of = schemas_of
        self._found: dict[Schema, tuple[Route, ...]] | None = None

    def __bool__(self) -> bool:
        return any(True for _ in self._owners())

    def __iter__(self) -> Iterator[Route]:
        return (route for routes in self._checked().values() for route in routes)

    def forget(self) -> None:
        """Check anew at the next use: another class was declared. Circles that show already are refused now.

        Raises:
            SchemaError: fan-outs lead in a circle.
        """
        self._found = None
        named = [
            (owner.model, one.target)
            for owner in self._owners()
            for one in owner.fan_outs.values()
            if one.chain and isinstance(one.target, type)
        ]
        fan_out.refuse_cycle(named, lambda model: model.__name__)

    def owners(self) -> Iterator[Schema]:
        """The schemas that declare fan-outs; those of classes without an index have no uid."""
        return iter(self._owners())

    def owners_of(self, model: type[Any]) -> tuple[Schema, ...]:
        """The owners whose records a class's are, the nearest first."""
        owners = list(self._owners())
        return tuple(owner for one in model.__mro__ for owner in owners if owner.model is one)

    def of(self, owner: Schema) -> tuple[Route, ...]:
        """The fan-outs of an owner.

        Raises:
            SchemaError: a declared name is unknown, or fan-outs lead in a circle.
        """
        return self._checked().get(owner, ()) if owner.fan_outs else ()

    def named(self, key: str) -> Route | None:
        """The fan-out that the ledger names so; None where this process does not declare it.

        Raises:
            SchemaError: see `of`.
        """
        return next((route for route in self if route.key == key), None)

    def check(self) -> None:
        """Check all fan-outs whose mappers are configured. Raises SchemaError as `of` does."""
        if all(mapping.configured(owner.mapper) for owner in self._owners()):
            self._checked()

    def _checked(self) -> dict[Schema, tuple[Route, ...]]:
        if self._found is None:
            found: dict[Schema, tuple[Route, ...]] = {}
            for owner in self._owners():
                owner.mapper.registry.configure(cascade=True)
                found[owner] = tuple(
                    route
                    for name, one in owner.fan_outs.items()
                    for route in fan_out.routes_of(owner, name, one, self._schemas_of)
                )
            routes = [route for several in found.values() for route in several]
            fan_out.refuse_cycle(
                [(route.owner, route.target) for route in routes if route.chain],
                lambda schema: schema.name,
            )
            _refuse_equal_names(routes)
            self._found = found
        return self._found


def _refuse_equal_names(routes: Iterable[Route]) -> None:
    known: dict[str, Route] = {}
    for route in routes:
        other = known.setdefault(route.key, route)
        if other.owner is not route.owner:
            raise SchemaError(
                f"{route.owner.path} and {other.owner.path} both declare a fan-out {route.key!r}:"
                " give one of them another name"
            )
