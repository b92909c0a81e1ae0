"""The filter language: text into a tree of conditions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

_WORD = re.compile(r"[\w.-]+")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SIGN = re.compile(r"<=|>=|!=|<|>|=")
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"', "/": "/", " ": " "}
_KEYWORDS = frozenset(
    "AND OR IN NOT TO EXISTS IS NULL EMPTY CONTAINS STARTS WITH _geoRadius _geoBoundingBox _geoPolygon".split()
)
_DEEPEST = 50
_EXPECTED = (
    "Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, `NOT EXISTS`,"
    " `IS NULL`, `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, `NOT CONTAINS`, `STARTS WITH`,"
    " `NOT STARTS WITH`, `_geoRadius`, `_geoBoundingBox` or `_geoPolygon`"
)


class BadFilter(Exception):
    """A filter that cannot be understood; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`attribute operator values`, such as `year TO 2000 2010`; `where` quotes its place for a refusal."""

    attribute: str
    operator: str
    values: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Near:
    """`_geoRadius(lat, lng, metres)`."""

    lat: float
    lng: float
    metres: float
    where: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """`_geoPolygon(...)`, or `_geoBoundingBox(...)` with its two corners (`box`): points as latitude and longitude."""

    points: tuple[tuple[float, float], ...]
    box: bool
    where: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """What does not fulfil the filter inside."""

    inner: Filter


@dataclass(frozen=True, slots=True)
class Every:
    """What fulfils every one of several filters."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """What fulfils at least one of several filters."""

    parts: tuple[Filter, ...]


Filter = Condition | Near | Inside | Not | Every | Either


def parse(text: str) -> Filter | None:
    """The filter that `text` says, None if it says nothing. BadFilter if it cannot be understood."""
    if not text.strip():
        return None
    reader = _Reader(text)
    filter = reader.either(0)
    reader.space()
    if reader.at < len(text):
        raise reader.wrong(
            f"Found unexpected characters at the end of the filter: `{text[reader.at :]}`. You probably forgot"
            " an `OR` or an `AND` rule."
        )
    return filter


def number(text: str) -> float | None:
    """`text` as the finite number it spells, else None."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


class _Reader:
    """Walks through a filter from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self, message: str, start: int | None = None) -> BadFilter:
        return BadFilter(f"{message}\n{self.place(self.at if start is None else start, len(self.text))}")

    def place(self, start: int, end: int) -> str:
        return f"{start + 1}:{end + 1} {self.text}"

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def takes(self, *words: str) -> bool:
        """Step over keywords if they come next."""
        back = self.at
        for word in words:
            self.space()
            found = _WORD.match(self.text, self.at)
            if found is None or found.group() != word:
                self.at = back
                return False
            self.at = found.end()
        return True

    def sign(self, character: str) -> bool:
        self.space()
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def either(self, depth: int) -> Filter:
        parts = [self.both(depth)]
        while self.takes("OR"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self, depth: int) -> Filter:
        parts = [self.negated(depth)]
        while self.takes("AND"):
            parts.append(self.negated(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def negated(self, depth: int) -> Filter:
        turns = 0
        while self.takes("NOT"):
            turns += 1
        inner = self.primary(depth)
        return Not(inner) if turns % 2 else inner

    def primary(self, depth: int) -> Filter:
        if self.sign("("):
            if depth >= _DEEPEST:
                raise self.wrong(
                    "The filter exceeded the maximum depth limit. Try rewriting the filter so that it contains"
                    " fewer nested conditions."
                )
            filter = self.either(depth + 1)
            if not self.sign(")"):
                raise self.wrong("Expression is missing the following closing delimiter: `)`.")
            return filter
        for word, read in (("_geoRadius", self.radius), ("_geoBoundingBox", self.box), ("_geoPolygon", self.polygon)):
            start = self.at
            if self.takes(word):
                return read(start)
        return self.condition()

    def condition(self) -> Filter:
        self.space()
        start = self.at
        attribute = self.value()
        where = self.place(start, self.at)
        self.space()
        if found := _SIGN.match(self.text, self.at):
            self.at = found.end()
            return Condition(attribute, found.group(), (self.value(),), where)
        if self.takes("IS"):
            turned = self.takes("NOT")
            for word in ("NULL", "EMPTY"):
                if self.takes(word):
                    return _turned(Condition(attribute, f"IS {word}", (), where), turned)
            raise self.wrong(f"{_EXPECTED} at `{self.text[start:]}`.", start)
        turned = self.takes("NOT")
        if self.takes("EXISTS"):
            return _turned(Condition(attribute, "EXISTS", (), where), turned)
        if self.takes("IN"):
            return _turned(Condition(attribute, "IN", self.listed(), where), turned)
        for words in (("CONTAINS",), ("STARTS", "WITH")):
            if self.takes(*words):
                return _turned(Condition(attribute, " ".join(words), (self.value(),), where), turned)
        return self.between(attribute, start, where, turned)

    def between(self, attribute: str, start: int, where: str, turned: bool) -> Filter:
        back = self.at
        try:
            low = self.value()
        except BadFilter:
            low = None
        if turned or low is None or not self.takes("TO"):
            self.at = back
            raise self.wrong(f"{_EXPECTED} at `{self.text[start:]}`.", start)
        return Condition(attribute, "TO", (low, self.value()), where)

    def listed(self) -> tuple[str, ...]:
        if not self.sign("["):
            raise self.wrong("Expected `[` after `IN` keyword.")
        values: list[str] = []
        while not self.sign("]"):
            if values and not self.sign(","):
                raise self.wrong("Expected only comma-separated field names inside `IN[..]`.")
            if values and self.sign("]"):
                break
            values.append(self.value())
        return tuple(values)

    def value(self) -> str:
        self.space()
        start = self.at
        if self.text[start : start + 1] in ("'", '"') and start < len(self.text):
            return self.quoted(self.text[start])
        found = _WORD.match(self.text, start)
        if found is None:
            rest = self.text[start:].split(" ")[0]
            raise self.wrong(f"Was expecting a value but instead got {f'`{rest}`' if rest else 'nothing'}.")
        if found.group() in _KEYWORDS:
            raise self.wrong(
                f"Was expecting a value but instead got `{found.group()}`, which is a reserved keyword."
                f" To use `{found.group()}` as a field name or a value, surround it by quotes."
            )
        if found.group() == "_geo" or found.group().startswith(("_geoDistance", "_geoPoint")):
            raise self.wrong(
                f"`{found.group()}` is a reserved keyword and thus can't be used as a filter expression. Use the"
                " `_geoRadius(latitude, longitude, distance)` or `_geoBoundingBox([latitude, longitude],"
                " [latitude, longitude])` built-in rules to filter on `_geo` coordinates."
            )
        self.at = found.end()
        return found.group()

    def quoted(self, quote: str) -> str:
        start, at = self.at, self.at + 1
        while at < len(self.text) and self.text[at] != quote:
            at += 2 if self.text[at] == "\\" else 1
        if at >= len(self.text):
            raise self.wrong(f"Expression `{self.text[start:]}` is missing the following closing delimiter: `{quote}`.")
        self.at = at + 1
        return _ESCAPE.sub(self.unescaped, self.text[start + 1 : at])

    def unescaped(self, found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] in "ux" and len(code) > 1:
            point = int(code[1:].strip("{}"), 16)
            if point > 0x10FFFF or 0xD800 <= point < 0xE000:
                raise self.wrong("Invalid escaped number in the value.")
            return chr(point)
        if code not in _ESCAPED:
            raise self.wrong(f"The value holds an unknown escape: `\\{code}`.")
        return _ESCAPED[code]

    def numbers(self, complaint: Callable[[], BadFilter], opening: str, closing: str) -> list[float]:
        if not self.sign(opening):
            raise complaint()
        found: list[float] = []
        while True:
            self.space()
            piece = _NUMBER.match(self.text, self.at)
            if piece is None:
                raise complaint()
            self.at = piece.end()
            found.append(float(piece.group()))
            if self.sign(closing):
                return found
            if not self.sign(","):
                raise complaint()

    def radius(self, start: int) -> Filter:
        def wrong() -> BadFilter:
            return self.wrong(
                "The `_geoRadius` filter expects three arguments: `_geoRadius(latitude, longitude, radius)`.", start
            )

        found = self.numbers(wrong, "(", ")")
        if len(found) not in (3, 4):
            raise wrong()
        return Near(found[0], found[1], found[2], self.place(start, self.at))

    def box(self, start: int) -> Filter:
        def wrong() -> BadFilter:
            return self.wrong(
                "The `_geoBoundingBox` filter expects two pairs of arguments:"
                " `_geoBoundingBox([latitude, longitude], [latitude, longitude])`.",
                start,
            )

        points = self.points(wrong)
        if len(points) != 2:
            raise wrong()
        return Inside(points, True, self.place(start, self.at))

    def polygon(self, start: int) -> Filter:
        def wrong() -> BadFilter:
            return self.wrong(
                "The `_geoPolygon` filter expects at least 3 pairs of arguments:"
                " `_geoPolygon([latitude, longitude], ...)`.",
                start,
            )

        points = self.points(wrong)
        if len(points) < 3:
            raise wrong()
        return Inside(points, False, self.place(start, self.at))

    def points(self, complaint: Callable[[], BadFilter]) -> tuple[tuple[float, float], ...]:
        if not self.sign("("):
            raise complaint()
        points: list[tuple[float, float]] = []
        while not points or self.sign(","):
            pair = self.numbers(complaint, "[", "]")
            if len(pair) != 2:
                raise complaint()
            points.append((pair[0], pair[1]))
        if not self.sign(")"):
            raise complaint()
        return tuple(points)


def _turned(filter: Condition, turned: bool) -> Filter:
    return Not(filter) if turned else filter
