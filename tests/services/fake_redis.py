"""`python -m tests.services.fake_redis PORT`: a Redis over TCP that lives in this process alone, until it is ended."""

from __future__ import annotations

import sys

from fakeredis import TcpFakeServer


def main(port: int) -> None:
    """Serve on the loopback interface until a signal ends the process."""
    # A port that is still in TIME_WAIT from before a restart is ours again.
    TcpFakeServer.allow_reuse_address = True
    server = TcpFakeServer(("127.0.0.1", port))
    server.daemon_threads = True
    # Without this every MULTI/EXEC waits for the peer's delayed acknowledgement: 11 tasks a second.
    server.RequestHandlerClass.disable_nagle_algorithm = True  # type: ignore[attr-defined]
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
