"""What this client holds: the fence of each claim, by task."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Union

from .errors import InvalidInputError

#: A task's UUID or its number.
TaskId = Union[str, int]

#: How long a claim lasts unless told, in seconds.
LEASE_SECONDS = 60
#: How many claims are remembered; an agent holds few at once.
REMEMBERED_MAX = 1000


class Claim(NamedTuple):
    """A claim that was handed out: who holds, under which fence, for how many seconds, which task."""

    agent: str
    fence: int
    lease_seconds: int
    number: int


class Claims:
    """Remembers claims by the task's UUID; a number leads to it.

    A claim that ran out stays, so that the node says what became of it; of too many the oldest goes.
    """

    def __init__(self) -> None:
        self._by_id: Dict[str, Claim] = {}

    def remember(self, task: Mapping[str, Any], agent: str, lease_seconds: Optional[int]) -> None:
        """Keeps the claim that this task was answered with."""
        self.forget(task["id"])
        if len(self._by_id) >= REMEMBERED_MAX:
            del self._by_id[next(iter(self._by_id))]
        self._by_id[task["id"]] = Claim(
            agent, int(task["fence"]), lease_seconds or LEASE_SECONDS, int(task["number"])
        )

    def find(self, task_id: TaskId) -> Optional[Claim]:
        """Returns what is known of a claim of this task."""
        return self._by_id.get(self._key(task_id))

    def forget(self, task_id: TaskId) -> None:
        """Drops the claim of a task."""
        self._by_id.pop(self._key(task_id), None)

    def hold(self, task_id: TaskId, agent: Optional[str], fence: Optional[int]) -> Dict[str, Any]:
        """Returns ``{"agent", "fence"}`` for a write of the holder; what is not given is remembered.

        Raises InvalidInputError where neither is the case.
        """
        claim = self.find(task_id)
        if claim is not None:
            agent = claim.agent if agent is None else agent
            fence = claim.fence if fence is None else fence
        for field, value in (("agent", agent), ("fence", fence)):
            if value is None:
                raise InvalidInputError(
                    f"{field} is not known: this client has not claimed task {task_id}; claim it first, or pass {field}",
                    field=field,
                )
        return {"agent": agent, "fence": fence}

    def _key(self, task_id: TaskId) -> str:
        text = str(task_id).lower()
        if not text.isdecimal():
            return text
        number = int(text)
        return next((key for key, claim in self._by_id.items() if claim.number == number), text)
