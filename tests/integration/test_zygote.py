"""A program that is forked is the one that was asked for, as a fresh one is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import environment, run, start
from tests.zygote import Forked, suits

PROGRAM = """
import json, os, signal, sys, time
print(json.dumps({
    "argv": sys.argv,
    "path": [os.path.abspath(folder) for folder in sys.path],
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "parent": os.getppid(),
    "session": os.getsid(0) == os.getpid(),
    "main": [__name__, sys.modules["__main__"].__dict__ is globals()],
    "interrupts": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "ignored": [int(one) for one in signal.valid_signals() if signal.getsignal(one) is signal.SIG_IGN],
    "blocked": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "open": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1],
    "zone": time.tzname[0],
    "given": sys.stdin.read(),
}))
print("and on the other stream", file=sys.stderr)
sys.exit(7)
"""
forked = pytest.mark.skipif(
    bool(os.environ.get("SCRYPATH_TEST_FRESH")) or not suits([sys.executable, "-c", ""], os.environ),
    reason="all processes are fresh ones here",
)


def told(folder: Path, *command: str, fresh: bool, **options: Any) -> dict[str, Any]:
    """What the program tells of itself."""
    env = environment({"GIVEN": "é", "TZ": "XYZ+3"}, folder=folder)
    done = run([*command, "a word"], fresh=fresh, input="a line\n", env=env, cwd=folder, **options)
    assert (done.returncode, done.stderr) == (7, "and on the other stream\n")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


COMMANDS = {
    "code": [sys.executable, "-c", PROGRAM],
    "module": [sys.executable, "-m", "program"],
    "file": [sys.executable, "program.py"],
    "script": ["./program"],
}


@forked
@pytest.mark.parametrize("session", [False, True])
@pytest.mark.parametrize("what", COMMANDS)
def test_a_forked_program_finds_all_that_a_fresh_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, session: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("program.py").write_text(PROGRAM)
    Path("program").write_text(f"#!{sys.executable}\n{PROGRAM}")
    Path("program").chmod(0o755)
    found = told(tmp_path, *COMMANDS[what], fresh=False, start_new_session=session)
    assert found == told(tmp_path, *COMMANDS[what], fresh=True, start_new_session=session)
    assert (found["parent"], found["session"], found["environment"]["GIVEN"]) == (os.getpid(), session, "é")


@forked
def test_a_forked_program_does_no_imports_again() -> None:
    code = "import sys; print('celery.bin.celery' in sys.modules)"
    assert run([sys.executable, "-c", code]).stdout == "True\n"
    assert run([sys.executable, "-c", code], fresh=True).stdout == "False\n"


@forked
def test_what_an_application_may_patch_before_a_worker_has_it_is_not_there_yet() -> None:
    late = ("celery.worker.consumer", "celery.concurrency.prefork", "gevent", "eventlet")
    trackers = ("sentry_sdk", "opentelemetry.instrumentation")
    code = f"import sys; print(sorted(sys.modules.keys() & {{*{late + trackers!r}}}))"
    assert run([sys.executable, "-c", code]).stdout == "[]\n"


@forked
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_forked_program_ends_by_a_signal_as_any_child(how: signal.Signals) -> None:
    code = "import signal; print('ready', flush=True); signal.pause()"
    with start([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert isinstance(process, Forked)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert process.poll() is None
        process.send_signal(how)
        assert process.wait(60) == -how


@forked
def test_an_error_that_nothing_catches_is_told_and_exits_1() -> None:
    done = run([sys.executable, "-c", "raise ValueError('wrong')"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("ValueError: wrong\n")


@forked
def test_what_is_written_unbuffered_is_there_at_once(tmp_path: Path) -> None:
    code = "import os; print('written'); os._exit(0)"
    env = environment({"PYTHONUNBUFFERED": "1"})
    assert run([sys.executable, "-c", code], env=env).stdout == "written\n"


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-W", "error", "-c", ""], ["sh", "-c", ""], [sys.executable, "-"], [sys.executable]],
)
def test_what_is_no_program_of_python_alone_is_started_afresh(command: list[str]) -> None:
    assert not suits(command, os.environ)
    assert not suits([sys.executable, "-c", ""], {**os.environ, "PYTHONHASHSEED": "1"})
