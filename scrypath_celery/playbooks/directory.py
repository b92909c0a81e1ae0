"""The files of playbooks: flat in one directory, each eligible one `NAME.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PlaybookError
from .format import faults
from .playbook import Fault, Playbook

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MAX_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One file: what it holds, or what is wrong with it."""

    file: str
    playbook: Playbook | None
    faults: tuple[Fault, ...]


def eligible(directory: Path) -> list[Path]:
    """The files that hold playbooks, by name: regular files `*.json` that are not hidden, in this directory itself.

    Raises:
        PlaybookError: there is no such directory, or it cannot be read.
    """
    try:
        return sorted(
            path for path in directory.iterdir() if path.suffix == ".json" and path.name[0] != "." and path.is_file()
        )
    except FileNotFoundError as exc:
        raise PlaybookError(f"there is no directory {str(directory)!r}") from exc
    except OSError as exc:
        raise PlaybookError(f"the directory {str(directory)!r} cannot be read: {exc.strerror}") from exc


def check(path: Path) -> Checked:
    """Read one file, and find everything that is wrong with it."""
    name = path.name.removesuffix(".json")
    if not NAME.fullmatch(name):
        reason = "its name must be letters, digits, ., _ and -, at most 100 characters"
        return Checked(file=path.name, playbook=None, faults=(Fault(place="", reason=reason),))
    try:
        document = _read(path)
        found = tuple(faults(document))
    except _UnreadableError as exc:
        return Checked(file=path.name, playbook=None, faults=(Fault(place="", reason=str(exc)),))
    return Checked(file=path.name, playbook=None if found else Playbook.of(name, document), faults=found)


def validated(directory: Path) -> list[Checked]:
    """Every eligible file of a directory, checked.

    Raises:
        PlaybookError: the directory cannot be read.
    """
    return [check(path) for path in eligible(directory)]


def load(directory: Path, name: str) -> Playbook:
    """The playbook of a name.

    Raises:
        PlaybookError: there is none, or its file has faults.
    """
    paths = {path.name.removesuffix(".json"): path for path in eligible(directory)}
    if name not in paths:
        known = f"; there are {', '.join(paths)}" if paths else ""
        raise PlaybookError(f"there is no playbook {name!r} in {str(directory)!r}{known}")
    checked = check(paths[name])
    if checked.playbook is None:
        first = checked.faults[0]
        raise PlaybookError(f"{checked.file}: {first.place + ' ' if first.place else ''}{first.reason}")
    return checked.playbook


class _UnreadableError(Exception):
    """A file that holds no JSON; the text says why."""


def _read(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise _UnreadableError(f"cannot be read: {exc.strerror}") from exc
    if len(data) > MAX_BYTES:
        raise _UnreadableError(f"holds more than {MAX_BYTES} bytes")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)
    except UnicodeDecodeError as exc:
        raise _UnreadableError("is not text in UTF-8") from exc
    except json.JSONDecodeError as exc:
        raise _UnreadableError(f"is not JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}") from exc
    except RecursionError as exc:
        raise _UnreadableError("is nested too deeply") from exc


def _pairs(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _UnreadableError(f"has the key {key!r} twice in one object")
        found[key] = value
    return found


def _constant(text: str) -> Any:
    raise _UnreadableError(f"holds {text}, which is not JSON")
