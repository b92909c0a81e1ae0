"""Each log line is one of the table, with all that its text says."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from scrypath_celery.logs import LINES, log
from scrypath_celery.telling import EVENTS
from tests.imports import ROOT

FIELD = re.compile(r"%\((\w+)\)")
TOLD = {line for _, line in EVENTS.values()} | {"rebuild_phase", "rebuild_blocked"}
"""Lines that a notice is told by."""


def calls() -> Iterator[tuple[str, set[str]]]:
    """The event and the fields of each line that the package logs by name."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log"):
                continue
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value), {str(word.arg) for word in node.keywords}


def test_each_line_that_is_logged_is_in_the_table_with_its_fields() -> None:
    found = list(calls())
    assert found
    assert [(event, said) for event, said in found if not said >= set(FIELD.findall(LINES[event].text))] == []


def test_each_line_of_the_table_is_logged() -> None:
    assert {event for event, _ in calls()} | TOLD == LINES.keys()


def test_no_module_logs_beside_the_table() -> None:
    beside = [path for path in ROOT.rglob("*.py") if "getLogger(" in path.read_text()]
    inner = {path.relative_to(ROOT).parts[0] for path in beside}
    assert inner <= {"logs.py", "embedded", "testing", "cli"}


def test_a_line_is_a_record_with_an_attribute_for_each_field(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "scrypath_celery"):
        log("registration_discarded", schema="Post", reason="its record was never saved")
    [record] = caplog.records
    assert record.getMessage() == "a registration of Post is discarded: its record was never saved"
    assert (vars(record)["event"], vars(record)["schema"]) == ("registration_discarded", "Post")
    assert (record.filename, record.levelname) == ("test_logs.py", "WARNING")


def test_a_record_that_has_such_an_attribute_already_keeps_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = logging.getLogRecordFactory()

    def with_event(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        record.event = "the host's own"
        return record

    logging.setLogRecordFactory(with_event)
    try:
        log("registration_discarded", schema="Post", reason="its record was never saved")
    finally:
        logging.setLogRecordFactory(before)
    [record] = caplog.records
    assert (vars(record)["event"], vars(record)["schema"]) == ("the host's own", "Post")


def test_a_handler_that_raises_is_told_on_stderr_and_hurts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the sink is full")

    logger, broken = logging.getLogger("scrypath_celery"), Broken()
    logger.addHandler(broken)
    try:
        log("registration_discarded", schema="Post", reason="its record was never saved")
    finally:
        logger.removeHandler(broken)
    assert "OSError: the sink is full" in capsys.readouterr().err


def test_a_line_shows_where_an_error_was_raised_and_not_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    said = "canary"
    with pytest.raises(ValueError, match=said) as raised:
        int(said)
    log("relay_step_failed", step="polled", error="ValueError", trace=raised.value)
    assert "int(said)" in caplog.text
    assert "TextWithheld: ValueError" in caplog.text
    assert said not in caplog.text


@pytest.mark.parametrize("kind", EVENTS)
def test_a_notice_says_what_its_line_shows(kind: type) -> None:
    said = {field.name for field in fields(kind)} - {"index_uid"} | {"schema", "index", "count", "works"}
    assert set(FIELD.findall(LINES[EVENTS[kind][1]].text)) <= said
