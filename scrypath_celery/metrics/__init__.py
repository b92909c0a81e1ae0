"""Metrics in Prometheus' format: of the ledger, of the engine, and of this process (extra `prometheus`)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..app import Scrypath
    from .scrape import Collector

__all__ = ["collector", "require_client"]

NOT_INSTALLED = "metrics need more than is installed: python3 -m pip install 'scrypath-celery[prometheus]'"

COUNTED = 1_000
"""Up to how many works of one schema and state a scrape counts."""
SCRAPED_WITHIN = 5.0
"""Seconds within which a scrape is answered, whatever does not answer it."""


def require_client() -> None:
    """See that Prometheus' client is there.

    Raises:
        ConfigError: the extra `prometheus` is not installed.
    """
    if find_spec("prometheus_client") is None:
        raise ConfigError(NOT_INSTALLED)


def collector(
    search: Scrypath,
    *,
    timeout: float = SCRAPED_WITHIN,
    count_limit: int = COUNTED,
    shared: bool = True,
    process: bool = True,
) -> Collector:
    """Make a collector for a registry of the application's own: `REGISTRY.register(collector(search))`.

    A scrape takes at most about `timeout` seconds: what does not answer by then is `scrypath_up 0`, and its metrics
    are left out. Works of one schema and state are counted up to `count_limit`. `shared` are the metrics of ledger
    and engine, the same whichever process tells them; `process` are those of the searches and requests of the
    process that is scraped.

    Raises:
        ConfigError: the extra `prometheus` is not installed.
    """
    require_client()
    from .scrape import Collector

    return Collector(search, timeout=timeout, count_limit=count_limit, shared=shared, process=process)
