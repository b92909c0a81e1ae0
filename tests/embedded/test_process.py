"""The engine as a process, and its file: what is refused at start, and what outlives it."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.embedded.serving import main
from scrypath_celery.errors import EmbeddedError
from tests.deadline import PATIENCE
from tests.embedded.process import EngineProcess
from tests.embedded.wire import Wire


def test_it_says_what_it_is_and_ends_when_asked(tmp_path: Path) -> None:
    with EngineProcess("--data", str(tmp_path / "engine.db"), "--faults") as process:
        assert "no production engine" in process.notice
        wire = Wire(process.url)
        wire.done(wire.add("a", [{"id": 1}]))
        assert wire.get("/_faults") == {"results": []}
        wire.close()
        assert process.terminate() == 0


def test_a_port_that_is_taken_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"cannot listen on 127.0.0.1:{port}: ")
        assert len(error.splitlines()) == 1


def test_a_file_that_another_process_uses_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "engine.db"
    with EngineProcess("--data", str(file)) as first:
        assert first.url
        with EngineProcess("--data", str(file)) as second:
            assert second.process.wait(PATIENCE) == 2
            assert "is in use by another process" in second.notice
            assert second.process.stderr is not None
            second.process.stderr.close()


@pytest.mark.parametrize("content", [b"not a database, but a text of some length" * 100, None])
def test_a_file_that_is_not_ours_is_refused_and_left_alone(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    if content is None:
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE theirs (a)")
        other.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(EmbeddedError, match=r"other\.db is no file of the embedded engine; name another file"):
        EmbeddedEngine(data=file).start()
    assert file.read_bytes() == before


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="name a file in a directory that can be written"):
        EmbeddedEngine(data=tmp_path / "nowhere" / "engine.db").start()


def test_what_was_written_is_there_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "engine.db"
    with EmbeddedEngine(data=file) as engine:
        wire = Wire(engine.url)
        wire.done(wire.add("a", [{"id": 1}]))
        wire.done(wire.call("PUT", "/indexes/a/settings/stop-words", ["the"]).json["taskUid"])
        engine.freeze()
        waiting = wire.add("a", [{"id": 2}])
        wire.close()
    with EmbeddedEngine(data=file) as engine:
        wire = Wire(engine.url)
        assert wire.done(waiting)["status"] == "succeeded"
        assert wire.ids("a") == [1, 2]
        assert wire.get("/indexes/a/settings/stop-words") == ["the"]
        assert wire.add("a", [{"id": 3}]) == waiting + 1
        wire.close()


def test_keys_outlive_the_process(tmp_path: Path) -> None:
    file, master = tmp_path / "engine.db", "a-master-key-of-some-length"
    with EmbeddedEngine(data=file, master_key=master) as engine:
        wire = Wire(engine.url, master)
        wish = {"actions": ["search"], "indexes": ["*"], "expiresAt": None}
        made = wire.call("POST", "/keys", wish).json
        wire.close()
    with EmbeddedEngine(data=file, master_key=master) as engine:
        wire = Wire(engine.url, master)
        assert wire.get(f"/keys/{made['uid']}") == made
        assert wire.get("/keys")["total"] == 5
        wire.close()


def test_an_engine_that_does_not_run_says_so() -> None:
    with pytest.raises(EmbeddedError, match="the engine is not running"):
        EmbeddedEngine().reset()


def test_a_data_folder_can_be_copied_and_put_back(tmp_path: Path) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy"
    folder.mkdir()
    _add_one(folder, 1)
    shutil.copytree(folder, copy)
    _add_one(folder, 2)
    shutil.rmtree(folder)
    copy.rename(folder)
    with EmbeddedEngine(data=folder) as engine:
        wire = Wire(engine.url)
        assert wire.get("/indexes/a/documents")["results"] == [{"id": 1}]
        assert wire.get("/tasks")["total"] == 1
        wire.close()


def _add_one(folder: Path, id: int) -> None:
    with EmbeddedEngine(data=folder) as engine:
        wire = Wire(engine.url)
        wire.done(wire.add("a", [{"id": id}]))
        wire.close()
