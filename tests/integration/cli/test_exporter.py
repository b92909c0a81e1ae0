"""`exporter`, as a process: it answers scrapes, and ends when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.deadline import PATIENCE
from tests.integration.cli.conftest import Run
from tests.metrics.scraping import read
from tests.processes import OURS, environment, start
from tests.shop import Shop


@contextmanager
def exporter(shop: Shop, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running exporter, and where it answers."""
    command = [*OURS, "-A", "tests.shop_app", "exporter", "--port", "0", *arguments]
    env = environment(shop.setup.env())
    process = start(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("metrics: http://")
        yield process, line.removeprefix("metrics: ").strip()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_exporter_answers_scrapes_until_it_is_told_to_end(shop: Shop, how: signal.Signals) -> None:
    shop.add(1)
    shop.search.drain()
    with exporter(shop) as (process, url):
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            found = read(answer.read().decode())
        assert found["scrypath_up", "ledger"] == found["scrypath_up", "engine"] == 1
        assert found["scrypath_works_settled_total", "succeeded", "Post"] == 1
        assert not any(key[0].startswith("scrypath_search") and "searchable" not in key[0] for key in found)
        process.send_signal(how)
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6"))]
)
def test_the_exporter_answers_where_it_says(shop: Shop, address: str) -> None:
    with exporter(shop, "--address", address) as (_, url), urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        assert address in url
        assert read(answer.read().decode())["scrypath_up", "ledger"] == 1


def test_the_exporter_says_on_stderr_why_a_part_is_down(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE scrypath_total")
    with exporter(shop) as (process, url):
        for _ in range(2):
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                assert read(answer.read().decode())["scrypath_up", "ledger"] == 0
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert "scrypath_total is older than this code" in errors
    assert len(errors.splitlines()) == 1


def test_a_port_that_is_taken_is_named(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("exporter", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot listen on 127.0.0.1:")
    assert len(result.stderr.splitlines()) == 1


def test_without_the_client_the_exporter_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrypath_celery.metrics.find_spec", lambda name: None)
    result = run("exporter")
    assert result.exit_code == 1
    assert "scrypath-celery[prometheus]" in result.stderr
