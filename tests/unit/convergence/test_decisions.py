"""What follows from a failure, in one table."""

from __future__ import annotations

from itertools import product

import pytest

from scrypath_celery.convergence.decisions import Action, decide
from scrypath_celery.work import Failure, ReasonClass, Scope

TABLE: dict[tuple[Scope, bool, bool, bool], Action] = {
    # scope, permanent, several documents, proven: what follows
    (Scope.DOCUMENT, True, False, True): Action.CONDEMN,
    (Scope.DOCUMENT, False, False, True): Action.RETRY,
    (Scope.DOCUMENT, True, True, True): Action.CONDEMN,
    (Scope.DOCUMENT, False, True, True): Action.RETRY,
    (Scope.PAYLOAD, True, True, True): Action.SPLIT,
    (Scope.PAYLOAD, False, True, True): Action.SPLIT,
    (Scope.PAYLOAD, True, False, True): Action.CONDEMN,
    (Scope.PAYLOAD, False, False, True): Action.RETRY,
    (Scope.PAYLOAD, True, True, False): Action.ISOLATE,
    (Scope.PAYLOAD, False, True, False): Action.ISOLATE,
    (Scope.PAYLOAD, True, False, False): Action.ISOLATE,
    (Scope.PAYLOAD, False, False, False): Action.ISOLATE,
}


def failure(scope: Scope, *, permanent: bool) -> Failure:
    return Failure(reason_class=ReasonClass.UNKNOWN, reason="it failed", scope=scope, permanent=permanent)


@pytest.mark.parametrize(("case", "action"), TABLE.items(), ids=lambda value: str(value))
def test_documents_and_payloads_are_blamed_split_or_tried_again(
    case: tuple[Scope, bool, bool, bool], action: Action
) -> None:
    scope, permanent, several, proven = case
    assert decide(failure(scope, permanent=permanent), documents=2 if several else 1, proven=proven) is action


@pytest.mark.parametrize("scope", [Scope.INDEX, Scope.ENGINE, Scope.DATABASE])
def test_what_concerns_no_document_pauses_and_blames_none(scope: Scope) -> None:
    found = {
        decide(failure(scope, permanent=permanent), documents=documents, proven=proven)
        for permanent, documents, proven in product((True, False), (1, 2), (True, False))
    }
    assert found == {Action.PAUSE}
