"""From the body of a request to documents: JSON, NDJSON and CSV, with what the engine says of each that is wrong."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import Any

import orjson

from .refusal import Refusal

FORMATS = {"application/json": "json", "application/x-ndjson": "ndjson", "text/csv": "csv"}
"""The content types that documents come in, and the word for each in messages."""


def documents(body: bytes, form: str, delimiter: str) -> tuple[bytes, int]:
    """The documents of a body as a JSON array, and how many there are.

    `form` is a value of `FORMATS`, `delimiter` the one between the cells of CSV. Refusal `missing_payload`,
    `malformed_payload`, or `internal` (which is what the engine answers to an array of scalars).
    """
    if not body:
        raise Refusal("missing_payload", f"A {form} payload is missing.")
    if form == "csv":
        found = _of_csv(body, delimiter)
        return orjson.dumps(found), len(found)
    value: Any
    if form == "ndjson":
        value, plain = _of_lines(body), False
    else:
        value, plain = _of_json(body)
    if isinstance(value, dict):
        return (b"[%b]" % body if plain else orjson.dumps([value])), 1
    if not isinstance(value, list):
        raise malformed(form, f"Couldn't serialize document value: {type(value).__name__} is not an object")
    for one in value:
        if not isinstance(one, dict):
            raise Refusal(
                "internal", f"An internal error has occurred. `a document is not an object: {str(one)[:80]}`."
            )
    return (body if plain else _encoded(value, form)), len(value)


def malformed(form: str, why: str) -> Refusal:
    """The refusal of a body that cannot be read."""
    return Refusal("malformed_payload", f"The `{form}` payload provided is malformed. `{why}`.")


def _of_json(body: bytes) -> tuple[Any, bool]:
    """The value at the head of `body`, and whether it is all of it; the engine ignores what comes after an array."""
    try:
        return orjson.loads(body), True
    except orjson.JSONDecodeError as exc:
        why = str(exc)
    try:
        found = head(body.decode().lstrip(" \t\r\n"))[0]
    except (ValueError, RecursionError):
        raise malformed("json", f"Couldn't serialize document value: {why}") from None
    if isinstance(found, dict):
        raise malformed("json", f"Couldn't serialize document value: {why}")
    return found, False


def head(text: str) -> tuple[Any, int]:
    """The JSON value at the beginning of `text` and where it ends; ValueError, also for NaN and its like."""
    value, end = _DECODER.raw_decode(text)
    try:
        orjson.dumps(value)
    except TypeError as exc:  # lone surrogates, which the engine's own parser refuses
        raise ValueError(str(exc)) from exc
    return value, end


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 21 else math.inf
    return int(number) if -(2**63) <= number < 2**64 else float(digits)


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_int=_integer)


def _of_lines(body: bytes) -> list[Any]:
    try:
        return [orjson.loads(line) for line in body.split(b"\n") if line.strip()]
    except orjson.JSONDecodeError as exc:
        why = str(exc)
    # Values need not end with their line: read them one after another.
    found: list[Any] = []
    try:
        rest = body.decode().lstrip()
        while rest:
            value, end = head(rest)
            found.append(value)
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError):
        raise malformed("ndjson", f"Couldn't serialize document value: {why}") from None
    return found


def _encoded(value: list[Any], form: str) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError) as exc:
        raise malformed(form, f"Couldn't serialize document value: {exc}") from exc


def _of_csv(body: bytes, delimiter: str) -> list[dict[str, Any]]:
    try:
        rows = csv.reader(io.StringIO(body.decode(), newline=""), delimiter=delimiter)
        header = next(rows, [])
        names = [_typed(cell) for cell in header]
        found = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise malformed("csv", f"CSV error: record {rows.line_num}: found {len(row)} fields, not {len(names)}")
            found.append(
                {name: _cell(cell, kind, name, rows.line_num) for (name, kind), cell in zip(names, row, strict=True)}
            )
    except (csv.Error, UnicodeDecodeError) as exc:
        raise malformed("csv", f"CSV error: {exc}") from exc
    return found


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}\Z")


def _typed(cell: str) -> tuple[str, str]:
    name, colon, kind = cell.rpartition(":")
    return (name, kind) if colon and kind in ("number", "boolean", "string") else (cell, "string")


def _cell(cell: str, kind: str, name: str, line: int) -> Any:
    if not cell.strip() if kind != "string" else not cell:
        return None
    if kind == "string":
        return cell
    word = cell.strip()
    if kind == "boolean" and word in ("true", "false"):
        return word == "true"
    if kind == "number":
        number = int(word) if _INTEGER.match(word) else _real(word)
        if number is not None:
            return number if -(2**63) <= number < 2**63 else float(number)
    raise malformed("csv", f"Error parsing {kind} {cell!r} at line {line} in field {name!r}")


def _real(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in word else None
