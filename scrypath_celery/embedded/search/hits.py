"""A document as a hit shows it: the attributes asked for, formatted copies, positions of matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..selector import picked
from .crop import bounds
from .fields import number_text
from .forms import Forms
from .geo import Point, distance, point_of
from .highlight import Highlighter, marked
from .request import Request


@dataclass(frozen=True, slots=True)
class Format:
    """What to do with a text: highlight it, crop it to so many words."""

    highlight: bool
    crop: int | None


class Presenter:
    """Shows documents as one request wants them.

    Attributes are matched by their name alone: `o.p` is not shown where `o` is displayed, nor the other way round.
    """

    def __init__(self, request: Request, forms: Forms, highlighter: Highlighter, point: Point | None) -> None:
        displayed: list[str] = forms.settings["displayedAttributes"]
        wanted = request.attributes_to_retrieve
        self._request, self._highlighter, self._point, self._forms = request, highlighter, point, forms
        self._displayed = None if "*" in displayed else [one for one in displayed if forms.knows(one)]
        everything = wanted is None or "*" in wanted
        self._retrieved = self._displayed if everything else self._shown(wanted or [])
        self._formats: dict[str, Format] = {}
        self._every: Format | None = None
        self._choose()

    def _shown(self, names: Sequence[str]) -> list[str]:
        """Those of some names that are fields and may be shown."""
        return [
            one for one in names if (one in self._displayed if self._displayed is not None else self._forms.knows(one))
        ]

    def _choose(self) -> None:
        """Find out what is highlighted and cropped."""
        highlighted = self._request.attributes_to_highlight or []
        for name in highlighted:
            self._choose_one(name, lambda _: Format(True, None))
        for name, size in _crops(self._request):
            self._choose_one(name, lambda old, size=size: Format(old.highlight, size))  # type: ignore[misc]

    def _choose_one(self, name: str, change: Callable[[Format], Format]) -> None:
        plain = Format(False, None)
        if name == "*":
            named = [*self._formats] if self._displayed is None else self._displayed
            if self._displayed is None:
                self._every = change(self._every or plain)
        else:
            named = self._shown([name])
        for one in named:
            self._formats[one] = change(self._formats.get(one, self._every or plain))

    def hit(self, document: dict[str, Any]) -> dict[str, Any]:
        """One hit, without its scores."""
        hit = dict(document) if self._retrieved is None else picked(document, self._retrieved)
        if self._point is not None and (place := point_of(hit)) is not None:
            hit["_geoDistance"] = round(distance(self._point, place))
        shown = document if self._displayed is None else picked(document, self._displayed)
        if self._formats or self._every is not None:
            formatted = self._formatted(shown)
            if formatted:
                hit["_formatted"] = formatted
        if self._request.show_matches_position:
            hit["_matchesPosition"] = self._positions(shown)
        return hit

    def _formatted(self, shown: dict[str, Any]) -> dict[str, Any]:
        if self._every is None and self._retrieved is not None:
            shown = picked(shown, [*self._retrieved, *self._formats], whole=False)
        return {name: self._value(value, name) for name, value in shown.items()}

    def _format(self, path: str) -> Format:
        """What is asked for a leaf: by its own name, by those it lies in, and by those that lie in it."""
        names = [path[:at] for at, sign in enumerate(path) if sign == "."] + [path]
        formats = [self._formats.get(one, self._every) for one in names]
        formats += [how for one, how in self._formats.items() if one.startswith(f"{path}.")]
        known = [one for one in formats if one is not None]
        return Format(
            any(one.highlight for one in known), next((one.crop for one in known if one.crop is not None), None)
        )

    def _value(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {name: self._value(one, f"{path}.{name}") for name, one in value.items()}
        if isinstance(value, list):
            return [self._value(one, path) for one in value]
        if isinstance(value, str):
            return self._text(value, self._format(path))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._text(number_text(value), self._format(path))
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
        """The matches by path; of an array, those in the last of its elements that has some."""
        positions: dict[str, list[dict[str, Any]]] = {}
        for path, indices, value in _texts(shown, "", ()):
            text = value if isinstance(value, str) else number_text(value)
            tokens = self._highlighter.tokens(text)
            told: list[dict[str, Any]] = []
            for one in self._highlighter.find(tokens):
                start = tokens[one.first].start
                place = {"start": _bytes(text[:start]), "length": _bytes(text[start : start + one.length])}
                told.append({**place, "indices": list(indices)} if indices else place)
            if told:
                positions[path] = told
        return positions


def _bytes(text: str) -> int:
    return len(text.encode())


def _crops(request: Request) -> Iterator[tuple[str, int]]:
    for one in request.attributes_to_crop or []:
        name, colon, size = one.rpartition(":")
        digits = size.removeprefix("+")
        fits = digits.isascii() and digits.isdigit() and int(digits) < 2**64
        yield name if colon else one, int(digits) if colon and fits else request.crop_length


def _texts(value: Any, path: str, indices: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...], Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, f"{path}.{name}" if path else name, indices)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _texts(one, path, (*indices, place))
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path, indices, value
