"""Events, and the names by which they are subscribed to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Set, Tuple, Union

from .errors import AgentOpsError, InvalidInputError

#: The channels, and the types that each carries.
CHANNELS: Dict[str, Tuple[str, ...]] = {
    "events:all": ("*",),
    "events:tasks": ("task.*",),
    "events:agents": ("agent.*",),
    "tasks:pending": ("task.created", "task.answered", "task.released", "task.reopened"),
    "tasks:completed": ("task.completed",),
}
_PLURALS = ("projects.", "tasks.", "agents.", "artifacts.")


@dataclass(frozen=True)
class Event:
    """Something that happened.

    ``seq`` is its position among all events. ``type`` is what happened, such as ``task.created``,
    by the name that was subscribed to. ``payload`` tells more; a task's has ``task_id``.
    ``timestamp`` is in RFC 3339, UTC.
    """

    seq: int
    id: str
    type: str
    entity_type: str
    entity_id: str
    agent_name: str
    payload: Dict[str, Any]
    timestamp: str


class Wanted:
    """Which types are subscribed to, and by what names.

    A name is a type (``task.created``, ``task.*``), one of the channels (``tasks:pending``), or
    either in the plural with a dot (``tasks.created``, ``tasks.pending``): events asked for by the
    plural of their type bear that. No name at all means every event.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.types: List[str] = []
        self._spoken: Dict[str, str] = {}
        plain: Set[str] = set()
        for name in names:
            channel = CHANNELS.get(name.replace(".", ":", 1))
            singular = _singular(name)
            if channel is not None and name != "tasks.completed":
                self.types.extend(channel)
            elif singular != name:
                self.types.append(singular)
                self._spoken[singular] = name
            else:
                self.types.append(_plain(name))
                plain.add(name)
        for name in plain:
            self._spoken.pop(name, None)
        self.types = list(dict.fromkeys(self.types)) or ["*"]

    def read(self, message: Union[str, bytes]) -> Event:
        """Reads an event as the stream sends it."""
        try:
            body = json.loads(message)
            kind: str = body["type"]
            return Event(
                seq=int(body["seq"]),
                id=body["id"],
                type=self._spoken.get(kind, kind),
                entity_type=body["entity_type"],
                entity_id=body["entity_id"],
                agent_name=body["agent_name"],
                payload=body["payload"],
                timestamp=body["timestamp"],
            )
        except (ValueError, KeyError, TypeError) as error:
            message = "the stream sent what is no event; is a Hearth node at this address?"
            raise AgentOpsError(message, code="not_understood") from error


def _singular(name: str) -> str:
    for plural in _PLURALS:
        if name.startswith(plural):
            return f"{plural[:-2]}.{name[len(plural):]}"
    return name


def _plain(name: str) -> str:
    if not name or "," in name or ":" in name:
        known = ", ".join(CHANNELS)
        raise InvalidInputError(
            f"{name!r} is no type of event, such as task.created or task.*, and none of the channels {known}",
            field="type",
        )
    return name
