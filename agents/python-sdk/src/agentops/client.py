"""``AgentOpsClient``: the operations of a node, as an agent uses them."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

from .claims import Claims, TaskId
from .errors import InvalidInputError, NotFoundError
from .events import Wanted
from .keeper import ClaimKeeper
from .subscription import Subscription
from .transport import JsonObject, Transport, given, segment

#: The most items of a page.
_PAGE = 500
#: The most bytes of an artifact that go as JSON, which the node reads whole before it refuses anything;
#: a form may be refused on the way, and then it depends on the network whether the answer arrives.
#: Escaped at its worst, text of this size still fits what the node takes as JSON.
_JSON_MAX = 2 * 1024 * 1024
#: How long a completion may take, in seconds: the node runs the task's checks first.
_COMPLETE_WITHIN = 900.0


class AgentOpsClient:
    """A client of the node at ``url``, with one key.

    Things are dictionaries with the fields of the node's own documents (``/api/v1/openapi.json``).
    Every method raises a subclass of ``AgentOpsError``: ``DeniedError``, ``UnavailableError`` and,
    for what its own documentation names, the others. ``timeout`` is how long one answer may take,
    in seconds. Reads, and the making of a task, are sent up to four times; nothing else is sent
    twice. Close it with ``aclose()``, or use it with ``async with``.
    """

    def __init__(self, url: str, api_key: str, *, timeout: float = 30.0) -> None:
        self._transport = Transport(url, api_key, timeout)
        self._claims = Claims()
        self._subscriptions: List[Subscription] = []

    def __repr__(self) -> str:
        return f"AgentOpsClient({self._transport.base_url!r})"

    async def __aenter__(self) -> "AgentOpsClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the subscriptions and closes the connections."""
        for subscription in self._subscriptions:
            await subscription.aclose()
        self._subscriptions.clear()
        await self._transport.aclose()

    async def create_project(self, project: Mapping[str, Any]) -> JsonObject:
        """Makes a project: ``{"name", "description"?, "status"?, "metadata"?}``.

        Raises ConflictError where the name is taken.
        """
        return await self._transport.send("POST", "/projects", dict(project))

    async def get_project_by_name(self, name: str) -> JsonObject:
        """Returns the project of this name. Raises NotFoundError."""
        page = await self._transport.get("/projects", {"name": name})
        for project in page["items"]:
            return dict(project)
        raise NotFoundError(f"there is no project named {name!r}", code="not_found", status=404)

    async def create_task(
        self, task: Mapping[str, Any], *, idempotency_key: Optional[str] = None
    ) -> JsonObject:
        """Makes a task; only its ``title`` is needed.

        It is sent with an idempotency key, so that it is made once however often it is sent. A
        program that may be restarted in between passes a key of its own: within a week the same
        key and task return the task that was made.
        """
        key = idempotency_key or str(uuid.uuid4())
        return await self._transport.send("POST", "/tasks", dict(task), idempotency_key=key)

    async def get_task(self, task_id: TaskId) -> JsonObject:
        """Returns a task by its UUID or number. Raises NotFoundError."""
        return await self._transport.get(_task_path(task_id))

    async def query_tasks(self, filters: Optional[Mapping[str, Any]] = None) -> List[JsonObject]:
        """Returns the tasks that fit, newest first unless ``order`` says otherwise.

        A filter's value may be a list, which means any of them. ``limit`` is the most tasks to
        return; without it they are all returned, page by page.
        """
        return await self._all("/tasks", dict(filters or {}))

    async def update_task(
        self,
        task_id: TaskId,
        updates: Mapping[str, Any],
        *,
        fence: Optional[int] = None,
        version: Optional[int] = None,
    ) -> JsonObject:
        """Changes fields of a task; None empties one. The fence of a claim is named by itself.

        With ``version``, raises ConflictError where the task has another.
        """
        body = dict(updates)
        claim = self._claims.find(task_id)
        if fence is None and claim is not None:
            fence = claim.fence
        if fence is not None:
            body.setdefault("fence", fence)
        return await self._transport.send("PATCH", _task_path(task_id), body, version=version)

    async def claim_task(
        self, task_id: TaskId, agent: str, *, lease_seconds: Optional[int] = None
    ) -> JsonObject:
        """Claims a task and returns it with its ``fence``, which this client remembers.

        The claim lasts ``lease_seconds`` (5 to 3,600, 60 unless told) without a heartbeat. Raises
        ConflictError where it is not to be had: WrongStateError if it is not pending.
        """
        body = given({"agent": agent, "lease_seconds": lease_seconds})
        task = await self._transport.send("POST", _task_path(task_id, "/claim"), body)
        self._claims.remember(task, agent, lease_seconds)
        return task

    async def claim_next_task(
        self, agent: str, *, lease_seconds: Optional[int] = None
    ) -> Optional[JsonObject]:
        """Claims the most urgent pending task that fits, then the oldest; None where there is none."""
        body = given({"agent": agent, "lease_seconds": lease_seconds})
        task = await self._transport.send("POST", "/tasks/claim", body)
        if not task:
            return None
        self._claims.remember(task, agent, lease_seconds)
        return task

    async def heartbeat_task(
        self,
        task_id: TaskId,
        *,
        message: Optional[str] = None,
        percent: Optional[int] = None,
        agent: Optional[str] = None,
        fence: Optional[int] = None,
    ) -> JsonObject:
        """Renews a claim; a message (with it, a percentage) is told to all as an event.

        Raises ConflictError where the claim is over.
        """
        more = {"message": message, "percent": percent}
        return await self._as_holder("heartbeat", task_id, agent, fence, more)

    def keep_claim(self, task_id: TaskId) -> ClaimKeeper:
        """Returns a context that renews the claim of a task while its body runs.

        Raises InvalidInputError where this client has not claimed it.
        """
        claim = self._claims.find(task_id)
        if claim is None:
            raise InvalidInputError(f"this client has not claimed task {task_id}", field="task_id")
        return ClaimKeeper(self, task_id, claim)

    async def complete_task(
        self,
        task_id: TaskId,
        *,
        result: Optional[Mapping[str, Any]] = None,
        artifacts: Iterable[Union[str, Mapping[str, Any]]] = (),
        agent: Optional[str] = None,
        fence: Optional[int] = None,
    ) -> JsonObject:
        """Completes a task that is held, after the node has run its acceptance checks.

        ``artifacts`` are those that were stored without a task, by identifier or as they were
        returned. Raises InvalidInputError with the code ``acceptance_failed`` and the evidence
        where a check does not hold, ConflictError where the claim is over.
        """
        ids = [one if isinstance(one, str) else one["id"] for one in artifacts]
        more = {"result": None if result is None else dict(result), "artifacts": ids or None}
        task = await self._as_holder("complete", task_id, agent, fence, more, _COMPLETE_WITHIN)
        self._claims.forget(task_id)
        return task

    async def block_task(
        self,
        task_id: TaskId,
        reason: str,
        *,
        options: Optional[Iterable[str]] = None,
        agent: Optional[str] = None,
        fence: Optional[int] = None,
    ) -> JsonObject:
        """Blocks a task that is held: a reason, or a question to its owner with answers to choose from."""
        more = {"reason": reason, "options": None if options is None else list(options)}
        task = await self._as_holder("block", task_id, agent, fence, more)
        self._claims.forget(task_id)
        return task

    async def release_task(
        self,
        task_id: TaskId,
        *,
        reason: Optional[str] = None,
        agent: Optional[str] = None,
        fence: Optional[int] = None,
    ) -> JsonObject:
        """Gives a task back, which counts an attempt."""
        task = await self._as_holder("release", task_id, agent, fence, {"reason": reason})
        self._claims.forget(task_id)
        return task

    async def register_agent(self, agent: Mapping[str, Any]) -> JsonObject:
        """Registers an agent, or anew: ``{"name", "type", "capabilities"?, "metadata"?}``."""
        return await self._transport.send("POST", "/agents/register", dict(agent))

    async def heartbeat(self, name: str, *, status: Optional[str] = None) -> JsonObject:
        """Says that an agent is there, and whether it is ``active``, ``idle`` or ``busy``.

        Raises NotFoundError where it is not registered.
        """
        path = f"/agents/{segment('name', name)}/heartbeat"
        return await self._transport.send("POST", path, given({"status": status}))

    async def list_agents(self, filters: Optional[Mapping[str, Any]] = None) -> List[JsonObject]:
        """Returns the agents by name; ``{"status": ...}`` narrows it."""
        return await self._all("/agents", dict(filters or {}))

    async def create_artifact(
        self,
        task_id: Optional[TaskId],
        type: str,
        content: Union[str, bytes],
        *,
        name: Optional[str] = None,
        media_type: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        agent: Optional[str] = None,
        fence: Optional[int] = None,
    ) -> JsonObject:
        """Stores an artifact of a type (a word, such as ``report``).

        With no task it waits for one, which ``complete_task`` gives it: so a completion that fails
        leaves nothing behind.
        """
        if task_id is not None:
            claim = self._claims.find(task_id)
            if claim is not None:
                agent = claim.agent if agent is None else agent
                fence = claim.fence if fence is None else fence
        is_text = isinstance(content, str)
        kind = media_type or ("text/plain; charset=utf-8" if is_text else "application/octet-stream")
        data = content.encode() if isinstance(content, str) else content
        fields = {"task_id": task_id, "type": type, "name": name, "agent": agent, "fence": fence}
        if len(data) <= _JSON_MAX:
            body = {**fields, "media_type": kind, "metadata": None if metadata is None else dict(metadata)}
            if isinstance(content, str):
                body["content"] = content
            else:
                body["content_base64"] = base64.b64encode(content).decode()
            return await self._transport.send("POST", "/artifacts", given(body))
        if metadata is not None:
            fields["metadata"] = json.dumps(dict(metadata), allow_nan=False)
        return await self._transport.upload("/artifacts", fields, data, kind)

    async def last_seq(self) -> int:
        """Returns the position of the newest event, 0 where there is none."""
        page = await self._transport.get("/events", {"order": "desc", "limit": 1})
        return max((int(event["seq"]) for event in page["items"]), default=0)

    def subscribe(
        self,
        *names: str,
        after: Optional[int] = None,
        entity_id: Optional[str] = None,
        reconnect_for: Optional[float] = 300.0,
    ) -> Subscription:
        """Returns the events of these types and channels as they happen, without gap or repeat.

        A name is a type (``task.created``, ``task.*``), a channel (``tasks:pending``), or one of
        these in the plural with a dot (``tasks.created``, ``tasks.pending``); none means every
        event. ``after`` is the position to begin after, 0 for all that there are; without it,
        what happens from the first ``async for`` on. A connection that breaks is made again, for
        ``reconnect_for`` seconds (None: for ever) until UnavailableError is raised.
        """
        filters: Dict[str, str] = given({"entity_id": entity_id})
        subscription = Subscription(
            self._transport, Wanted(names), self.last_seq, after, filters, reconnect_for
        )
        self._subscriptions = [one for one in self._subscriptions if not one.is_closed]
        self._subscriptions.append(subscription)
        return subscription

    async def _as_holder(
        self,
        verb: str,
        task_id: TaskId,
        agent: Optional[str],
        fence: Optional[int],
        more: Mapping[str, Any],
        timeout: Optional[float] = None,
    ) -> JsonObject:
        body = {**self._claims.hold(task_id, agent, fence), **given(more)}
        path = _task_path(task_id, f"/{verb}")
        return await self._transport.send("POST", path, body, timeout=timeout)

    async def _all(self, path: str, filters: JsonObject) -> List[JsonObject]:
        limit = filters.pop("limit", None)
        items: List[JsonObject] = []
        while True:
            page_size = _PAGE if limit is None else min(_PAGE, limit - len(items))
            page = await self._transport.get(path, {**filters, "limit": page_size})
            items.extend(page["items"])
            filters["cursor"] = page["next_cursor"]
            if filters["cursor"] is None or (limit is not None and len(items) >= limit):
                return items


def _task_path(task_id: TaskId, verb: str = "") -> str:
    return f"/tasks/{segment('task_id', task_id)}{verb}"
