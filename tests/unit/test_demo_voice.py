"""How the demo shows progress on a terminal."""

from __future__ import annotations

import sys

import pytest

from scrypath_celery.demo.voice import Voice


def test_a_bar_that_is_full_ends_its_line_once_a_phase(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    voice = Voice()
    for phase, done, total in [("fill", 1, 2), ("fill", 2, 2), ("cut_over", 2, 2), ("cut_over", 2, 2), ("done", 2, 2)]:
        voice.progress(phase, done, total)
    lines = [line.rpartition("\033[K")[2] for line in capsys.readouterr().err.splitlines(keepends=True)]
    ended = [line for line in lines if line.endswith("\n")]
    assert [line.split()[0] for line in ended] == ["fill", "cut_over", "done"]
    assert max(map(len, lines)) <= 80
