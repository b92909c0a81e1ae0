"""A scrape, read back as Prometheus reads it, and the same figures counted in the ledger by plain SQL."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from scrypath_celery import Scrypath
from scrypath_celery.ledger import tables
from scrypath_celery.metrics import collector

Found = dict[tuple[str, ...], float]


def scrape(search: Scrypath, **how: Any) -> Found:
    """The values of one scrape, by name and label values in the order of the labels' names."""
    registry = CollectorRegistry()
    registry.register(collector(search, **how))
    return read(generate_latest(registry).decode())


def read(text: str) -> Found:
    """The values in a text of Prometheus' format."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(search: Scrypath, *columns: str) -> dict[tuple[str, ...], int]:
    """How many works there are by these columns of the ledger."""
    names = [tables.work.c[column] for column in columns]
    query = select(*names, func.count()).group_by(*names)
    return {tuple(row[:-1]): int(row[-1]) for row in search.ledger.read(lambda tx: tx.execute(query).all())}
