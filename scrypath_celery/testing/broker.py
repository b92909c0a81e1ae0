"""A broker without any service: a Redis from fakeredis, over TCP, in a thread of this process."""

from __future__ import annotations

import logging
import threading
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from ..errors import EmbeddedError

logger = logging.getLogger("scrypath_celery")


class FakeBroker:
    """A broker for tests and first steps, on the loopback interface; its messages end with it. No production broker.

    `port` 0 takes any free one. It listens once it is made, so that workers of other processes can be given `url`.

        with FakeBroker() as broker:
            app = Celery("shop", broker=broker.url)

    Raises:
        EmbeddedError: fakeredis is not installed with its Lua support, or the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = _server(port)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="embedded-broker", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, as Celery's `broker_url` wants it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def close(self) -> None:
        """Stop listening, and forget every message; doing it again changes nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _server(port: int) -> Any:
    # Celery's worker does not start on a Redis without scripts.
    if find_spec("fakeredis") is None or find_spec("lupa") is None:
        raise EmbeddedError("the embedded broker needs fakeredis: python3 -m pip install 'scrypath-celery[dev]'")
    from fakeredis import TcpFakeServer

    class Server(TcpFakeServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            # A worker that is killed leaves its connection: no reason to print a traceback.
            logger.debug("the embedded broker lost a connection", exc_info=True)

    try:
        server = Server(("127.0.0.1", port))
    except OSError as exc:
        raise EmbeddedError(f"the embedded broker cannot listen on port {port}: {exc.strerror}") from exc
    server.daemon_threads = True
    # Without this every transaction waits for the peer's delayed acknowledgement: some 11 tasks a second.
    handler: Any = server.RequestHandlerClass
    server.RequestHandlerClass = type("Handler", (handler,), {"disable_nagle_algorithm": True})
    return server
