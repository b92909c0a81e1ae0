"""Running a playbook: the same searches that an application runs, with the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy.orm import Session, scoped_session

from ..runtime import Runtime
from ..searching.federated import search_federated
from ..searching.find import search
from ..searching.many import ManyResult, search_many
from ..searching.query.options import SearchOptions, SharedOptions
from ..searching.result import FederatedResult, SearchResult
from .playbook import Playbook

MERGING = ("federation_limit", "federation_offset")


def run(
    runtime: Runtime,
    playbook: Playbook,
    *,
    session: Session | scoped_session[Any],
    tenant: Any = None,
    across_tenants: bool = False,
) -> SearchResult[Any] | ManyResult | FederatedResult[Any]:
    """Run a saved search, with records of `session`; whose documents it means is said here, never in the file.

    Searches are merged into one list where the file gives `federation_limit`, `federation_offset` or a weight.

    Raises:
        SchemaError: it names a schema that is not declared. TenantRequired: a schema has tenants, and none is given.
        What else as for `search` and `search_many`.
    """
    opts = _options(playbook.opts)
    if tenant is not None:
        opts["tenant"] = tenant
    if across_tenants:
        opts["across_tenants"] = True
    if playbook.mode == "search":
        name = playbook.schema or ""
        return search(runtime, name, playbook.q or "", session=session, **cast("SearchOptions", opts))
    entries: list[Any] = [(name, q, _options(own)) for name, q, own in playbook.entries]
    shared = cast("SharedOptions", opts)
    if any(name in opts for name in MERGING) or any("federation_weight" in own for _, _, own in entries):
        return search_federated(runtime, entries, session=session, **shared)
    return search_many(runtime, entries, session=session, **shared)


def _options(opts: Mapping[str, Any]) -> dict[str, Any]:
    """The options as searches take them: a page is two of them."""
    found = {name: value for name, value in opts.items() if name != "page"}
    page = opts.get("page", {})
    if "number" in page:
        found["page"] = page["number"]
    if "size" in page:
        found["per_page"] = page["size"]
    return found
