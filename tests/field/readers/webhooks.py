"""What a forge posts to its webhooks."""

from __future__ import annotations

from engine.enums import Forge
from engine.projects.repository_address import address_of
from engine.webhooks.payloads import read_payload
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """The event as :class:`engine.webhooks.payloads.HookEvent` has it, and ``addresses``: those of
    the repository, each once.
    """
    event = read_payload(Forge(case.options["forge"]), case.options["event"], case.data)
    addresses = dict.fromkeys(filter(None, map(address_of, event.repository)))
    return {**event.model_dump(mode="json"), "addresses": list(addresses)}
