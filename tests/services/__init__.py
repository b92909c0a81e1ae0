"""The servers that tests speak to: found by address, on the loopback defaults, or started here from their binaries.

`SCRYPATH_TEST_POSTGRESQL`, `SCRYPATH_TEST_MARIADB` (SQLAlchemy URLs of an account that may create databases),
`SCRYPATH_TEST_REDIS` and `SCRYPATH_TEST_RABBITMQ` (broker URLs) name servers to use. Whatever is started here listens
on the loopback interface alone and ends with the tests, by its process id.
"""

from __future__ import annotations
