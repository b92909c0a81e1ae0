"""A document as a hit shows it: the attributes asked for, formatted copies, positions of matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scrypath_celery.embedded.search.crop import bounds
from scrypath_celery.embedded.search.fields import number_text
from scrypath_celery.embedded.search.forms import Forms
from scrypath_celery.embedded.search.geo import Point, distance, point_of
from scrypath_celery.embedded.search.highlight import Highlighter, marked
from scrypath_celery.embedded.search.request import Request


@dataclass(frozen=True, slots=True)
class Format:
    """What to do with a text: highlight it, crop it to so many words."""

    highlight: bool
    crop: int | None


class Presenter:
    """Shows documents as one request wants them."""

    def __init__(self, request: Request, forms: Forms, highlighter: Highlighter, point: Point | None) -> None:
        displayed: list[str] = forms.settings["displayedAttributes"]
        self._request, self._highlighter, self._point = request, highlighter, point
        self._displayed = None if "*" in displayed else displayed
        wanted = request.attributes_to_retrieve
        self._retrieved = None if wanted is None or "*" in wanted else wanted
        self._highlighted = request.attributes_to_highlight or []
        self._cropped = dict(_crops(request))
        named = [*self._highlighted, *self._cropped]
        self._formats = any(one == "*" or self._shows(one, forms.store.names) for one in named)

    def _shows(self, name: str, known: set[str]) -> bool:
        """Whether there is such a field, and hits may show it."""
        displayed = self._displayed is None or any(
            _covered([one], name) or _covered([name], one) for one in self._displayed
        )
        return displayed and (name in known or name.split(".")[0] in known)

    def hit(self, document: dict[str, Any]) -> dict[str, Any]:
        """One hit, without its scores."""
        shown = document if self._displayed is None else picked(document, self._displayed)
        hit = dict(shown) if self._retrieved is None else picked(shown, self._retrieved)
        if self._point is not None and (place := point_of(hit)) is not None:
            hit["_geoDistance"] = round(distance(self._point, place))
        if self._formats:
            hit["_formatted"] = self._formatted(shown)
        if self._request.show_matches_position:
            hit["_matchesPosition"] = self._positions(shown)
        return hit

    def _formatted(self, shown: dict[str, Any]) -> dict[str, Any]:
        named = [*self._highlighted, *self._cropped]
        everything = self._retrieved is None or "*" in named
        kept = shown if everything else picked(shown, [*(self._retrieved or []), *named])
        return {name: self._value(value, name, self._format(name)) for name, value in kept.items()}

    def _format(self, path: str) -> Format:
        highlight = "*" in self._highlighted or _covered(self._highlighted, path)
        crop = next((size for name, size in self._cropped.items() if _covered([name], path)), self._cropped.get("*"))
        return Format(highlight, crop)

    def _value(self, value: Any, path: str, how: Format) -> Any:
        if isinstance(value, dict):
            return {
                name: self._value(one, f"{path}.{name}", _inner(self._format(f"{path}.{name}"), how))
                for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._value(one, path, _inner(self._format(path), Format(how.highlight, None))) for one in value]
        if isinstance(value, str):
            return self._text(value, how)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._text(number_text(value), how)
        return value

    def _text(self, text: str, how: Format) -> str:
        if not how.highlight and how.crop is None:
            return text
        tokens = self._highlighter.tokens(text)
        found = self._highlighter.find(tokens)
        start, end = bounds(text, tokens, found, how.crop) if how.crop else (0, len(text))
        request = self._request
        tags = (request.highlight_pre_tag, request.highlight_post_tag)
        shown = marked(text, tokens, found, tags, (start, end)) if how.highlight else text[start:end]
        marker = request.crop_marker
        return f"{marker if start > 0 else ''}{shown}{marker if end < len(text) else ''}"

    def _positions(self, shown: dict[str, Any]) -> dict[str, Any]:
        positions: dict[str, list[dict[str, Any]]] = {}
        for path, indices, value in _texts(shown, "", ()):
            text = value if isinstance(value, str) else number_text(value)
            tokens = self._highlighter.tokens(text)
            for one in self._highlighter.find(tokens):
                start = tokens[one.first].start
                told: dict[str, Any] = {
                    "start": _bytes(text[:start]),
                    "length": _bytes(text[start : start + one.length]),
                }
                if indices:
                    told["indices"] = list(indices)
                positions.setdefault(path, []).append(told)
        return positions


def _inner(own: Format, outer: Format) -> Format:
    return Format(own.highlight or outer.highlight, own.crop if outer.crop is not None or own.crop is None else None)


def _bytes(text: str) -> int:
    return len(text.encode())


def _crops(request: Request) -> Iterator[tuple[str, int]]:
    for one in request.attributes_to_crop or []:
        name, colon, size = one.rpartition(":")
        if colon and size.isdigit():
            yield name, int(size)
        else:
            yield one, request.crop_length


def _covered(names: Sequence[str], path: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)


def _texts(value: Any, path: str, indices: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, f"{path}.{name}" if path else name, indices)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _texts(one, path, (*indices, place))
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path, indices, value


def picked(document: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """The parts of a document that paths name; a dot leads into objects, and through arrays of them."""
    wanted = set(paths)
    kept: dict[str, Any] = {}
    for name, value in document.items():
        if name in wanted:
            kept[name] = value
            continue
        inner = [path[len(name) + 1 :] for path in paths if path.startswith(f"{name}.")]
        part = _picked(value, inner) if inner else None
        if part is not None:
            kept[name] = part
    return kept


def _picked(value: Any, paths: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return picked(value, paths) or None
    if isinstance(value, list):
        return [part for one in value if (part := _picked(one, paths)) is not None] or None
    return None
