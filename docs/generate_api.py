"""The page of the reference about what applications import: classes, their methods and fields, and fixtures."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from typing import Any, is_typeddict

import scrypath_celery
from scrypath_celery.testing import plugin

OTHERS = {
    "Arguments of calls": (
        "arguments.OptionArguments",
        "declaration.declaration.Declaration",
        "declaration.setting_types.Settings",
        "arguments.WriteOptions",
        "arguments.RecordOptions",
        "arguments.SyncOptions",
        "arguments.RunOptions",
        "operator.selection.Selection",
        "operator.selection.Listing",
        "operator.bulk.BulkOptions",
        "searching.facet_values.FacetOptions",
        "searching.tokens.SigningKey",
    ),
    "Answers of calls": (
        "capture.result.ResultState",
        "convergence.summary.Summary",
        "operator.status.Status",
        "operator.failed.Failed",
        "operator.work_detail.Story",
        "operator.bulk.BulkResult",
        "operator.retry.Retried",
        "operator.receipt.Receipt",
        "operator.reconcile.Report",
        "operator.verify.Verification",
        "operator.repair.Repair",
        "operator.pause.PausedByHand",
        "operator.pause.Resumed",
        "operator.contract_drift.ContractDrift",
        "operator.settings_diff.SettingsDiff",
        "operator.settings_apply.Applied",
        "operator.hot_apply.HotApply",
        "rebuild.report.BackfillReport",
        "rebuild.report.ReindexReport",
        "rebuild.report.RebuildStatus",
    ),
}
"""What is not imported from the package itself, but given to calls of a `Scrypath`, or by them."""

FIXTURES = ("scrypath_engine", "scrypath_broker", "scrypath_override", "scrypath_drain")


def texts(kind: type) -> dict[str, str]:
    """The string under each field of a class, those of its bases first: what it means."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[-1]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    # By their names in the source: before Python 3.12 a TypedDict does not know what it was made of.
    for name in [one.id for one in body.bases if isinstance(one, ast.Name)]:
        base = getattr(sys.modules[kind.__module__], name, None)
        if inspect.isclass(base) and base.__module__.startswith("scrypath_celery"):
            found |= texts(base)
    for item, after in pairwise(body.body):
        if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[item.target.id] = " ".join(str(after.value.value).split())
    return found


def api() -> str:
    """All of it."""
    parts = [
        "# API",
        "What is imported from `scrypath_celery`, and what belongs to it. Errors and signals: [](names.md).",
    ]
    parts += ["## From the package"]
    for name in scrypath_celery.__all__:
        parts += _about(name, getattr(scrypath_celery, name))
    for title, paths in OTHERS.items():
        parts.append(f"## {title}")
        for path in paths:
            module, _, name = path.rpartition(".")
            parts += _about(name, getattr(import_module(f"scrypath_celery.{module}"), name))
    parts += ["## Fixtures of pytest", "They load by themselves where the extra `dev` is installed."]
    for name in FIXTURES:
        parts += [f"### `{name}`", _text(getattr(plugin, name))]
    return "\n\n".join(part for part in parts if part)


def _about(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{name}`"
    if not inspect.isclass(thing):
        yield _text(thing) if callable(thing) else f"The constant `{thing!r}`."
        if callable(thing):
            yield f"`{name}{_signature(thing)}`"
        return
    yield _text(thing)
    if issubclass(thing, Enum):
        yield "Values: " + ", ".join(f"`{one.value}`" for one in thing) + "."
        return
    if is_dataclass(thing) or is_typeddict(thing):
        told = texts(thing)
        fields = [one for one in thing.__annotations__ if not one.startswith("_")]
        yield "Fields: " + ", ".join(f"`{one}`" for one in fields) + "."
        yield "\n".join(f"- `{one}`: {told[one]}" for one in fields if one in told)
    if not is_typeddict(thing):
        yield from _members(thing)


def _members(kind: type) -> Iterator[str]:
    """The public methods and properties that the package defines, in the order of their names."""
    for name, member in sorted(inspect.getmembers_static(kind)):
        home = next(base for base in kind.__mro__ if name in vars(base))
        if name.startswith("_") or not home.__module__.startswith("scrypath_celery"):
            continue
        function = getattr(member, "__func__", member)
        if isinstance(member, property | cached_property):
            yield f"#### `{kind.__name__}.{name}`\n\n{_text(member)}"
        elif inspect.isfunction(function):
            yield f"#### `{kind.__name__}.{name}{_signature(function)}`\n\n{_text(function)}"


def _signature(function: Any) -> str:
    """The parameters of a function, without their types: those are for editors."""
    found = inspect.signature(function)
    named = [one.replace(annotation=inspect.Parameter.empty) for one in found.parameters.values() if one.name != "self"]
    return str(found.replace(parameters=named, return_annotation=inspect.Signature.empty))


def _text(thing: Any) -> str:
    paragraphs = inspect.cleandoc(getattr(thing, "__doc__", "") or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()).replace("<", "\\<") for one in paragraphs)
