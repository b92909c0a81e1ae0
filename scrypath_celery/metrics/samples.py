"""What one scrape found, as Prometheus' client takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import HistogramMetricFamily

from ..totals import BEYOND, BOUNDS, Total
from .families import FAMILIES, AnyFamily


class Samples:
    """Values by metric and labels; a metric that is not declared is refused."""

    def __init__(self) -> None:
        self._families: dict[str, AnyFamily] = {}

    def add(self, name: str, value: float | None, *labels: str) -> None:
        """Note a value; one that is not known is left out, for nobody must take it for zero."""
        if value is not None:
            self._family(name).add_metric(labels, float(value))  # type: ignore[call-arg, arg-type]

    def observe(self, name: str, buckets: Mapping[str, Total], *labels: str) -> None:
        """Note a histogram; `buckets` are totals by bucket, each without those below it."""
        family = self._family(name)
        assert isinstance(family, HistogramMetricFamily)
        found, count = [], 0
        # A release may have had other bounds: what it counted stays below the bounds that it had.
        for label in sorted({*(f"{bound:g}" for bound in BOUNDS), BEYOND, *buckets}, key=float):
            count += buckets[label].times if label in buckets else 0
            found.append((label, count))
        family.add_metric(labels, found, sum(total.amount for total in buckets.values()))

    def families(self) -> Iterable[AnyFamily]:
        """The metrics that have a value."""
        return self._families.values()

    def _family(self, name: str) -> AnyFamily:
        if name not in self._families:
            self._families[name] = FAMILIES[name].new()
        return self._families[name]
