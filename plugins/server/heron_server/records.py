"""What the server tells of its requests: a line of JSON for each in the access log, and counters for Prometheus."""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import UTC, datetime
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from heron_server.exchange import Exchange
from heron_server.site import USER

_log = logging.getLogger("heron.access")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Records:
    """The access log and the counters. With PROMETHEUS_MULTIPROC_DIR, the counters are those of all worker processes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("routes", "method", "status")
        self._requests = Counter(
            "heron_requests_total", "Requests that were answered.", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "heron_request_seconds", "Seconds from a request to the end of its answer.", ("routes",),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._sent = Counter(
            "heron_sent_bytes_total", "Bytes of the bodies of answers.", registry=self._registry
        )
        self._left = Counter(
            "heron_clients_left_total", "Clients that left before the answer.", registry=self._registry
        )
        self._open = Gauge(
            "heron_requests_open",
            "Requests that are being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

        self._counter = cache(self._requests.labels)
        self._timer = cache(self._seconds.labels)

    def began(self) -> None:
        """Count a request that has come."""
        self._open.inc()

    def ended(self, exchange: Exchange) -> None:
        """Count and log a request with its answer."""
        seconds = time.perf_counter() - exchange.started
        method = exchange.scope["method"]
        routes, status = exchange.group or "none", str(exchange.status or 499)
        self._open.dec()
        self._counter(routes, method if method in _METHODS else "other", status).inc()
        self._timer(routes).observe(seconds)
        self._sent.inc(exchange.sent)
        if exchange.has_left:
            self._left.inc()
        if _log.isEnabledFor(logging.INFO):
            line = _line(exchange, seconds)
            _log.handle(
                _log.makeRecord(_log.name, logging.INFO, "", 0, line, (), None)
            )  # who called is not sought

    def exposition(self) -> tuple[bytes, str]:
        """The counters as Prometheus reads them, and the media type."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8"


def _line(exchange: Exchange, seconds: float) -> str:
    """One line of the access log. Queries and headers are not logged: they can contain tokens and signatures."""
    scope = exchange.scope
    client = scope.get("client")
    return json.dumps(
        {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": exchange.id,
            "client": client[0] if client else None,
            "user": (scope[USER] or "owner") if USER in scope else None,
            "method": scope["method"],
            "path": scope["path"],
            "status": exchange.status,
            "bytes": exchange.sent,
            "ms": round(seconds * 1000, 2),
            "routes": exchange.group or None,
            **({"left": True} if exchange.has_left else {}),
        }
    )
