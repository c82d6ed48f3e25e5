"""Events without gap or repeat, over connections that break and a node that is killed."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import AsyncIterator, List, Tuple
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import WITHIN, Node
from websockets.asyncio import server
from websockets.asyncio.server import ServerConnection

from agentops import AgentOpsClient, DeniedError, Event, Subscription, UnavailableError
from agentops.events import CHANNELS

pytestmark = pytest.mark.anyio


async def take(subscription: Subscription, count: int) -> List[Event]:
    async def events() -> List[Event]:
        return [await subscription.__anext__() for _ in range(count)]

    return await asyncio.wait_for(events(), WITHIN)


async def test_the_specifications_names_bring_created_tasks(ops: AgentOpsClient) -> None:
    async with ops.subscribe("tasks.created", "tasks.pending", after=0) as events:
        task = await ops.create_task({"title": "beans"})
        await ops.claim_task(task["id"], agent="helper")
        await ops.release_task(task["id"])

        created, released = await take(events, 2)

    assert (created.type, created.payload["task_id"]) == ("tasks.created", task["id"])
    assert (created.entity_type, created.entity_id) == ("task", task["id"])
    assert released.type == "task.released"
    assert events.seq == released.seq > created.seq


async def test_without_a_position_it_begins_with_what_happens_next(ops: AgentOpsClient) -> None:
    await ops.create_task({"title": "before"})
    async with ops.subscribe("task.*") as events:
        first = asyncio.ensure_future(take(events, 1))
        while events.seq is None:
            await asyncio.sleep(0.01)
        after = await ops.create_task({"title": "after"})

        (event,) = await first

    assert (event.type, event.entity_id) == ("task.created", after["id"])


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_channel_carries_what_the_node_says_it_does(ops: AgentOpsClient, channel: str) -> None:
    await ops.register_agent({"name": "helper", "type": "worker"})
    for number in range(3):
        task = await ops.create_task({"title": f"task {number}"})
        await ops.claim_task(task["id"], agent="helper")
        await ops.release_task(task["id"])
        await ops.claim_task(task["id"], agent="helper")
        await ops.complete_task(task["id"])
    page = await ops._transport.get("/events", {"channel": channel, "limit": 500})
    listed = [event["seq"] for event in page["items"]]

    async with ops.subscribe(channel, after=0) as events:
        assert [event.seq for event in await take(events, len(listed))] == listed
    assert listed


async def test_one_thing_is_followed_by_its_identifier(ops: AgentOpsClient) -> None:
    await ops.create_task({"title": "one"})
    two = await ops.create_task({"title": "two"})
    await ops.update_task(two["id"], {"title": "zwei"})

    async with ops.subscribe(after=0, entity_id=two["id"]) as events:
        assert [event.type for event in await take(events, 2)] == ["task.created", "task.updated"]


async def test_it_goes_on_where_it_was_when_the_node_is_killed_and_started_again(
    node: Node, ops: AgentOpsClient
) -> None:
    made: List[str] = []

    async def create(count: int) -> None:
        for _ in range(count):
            made.append((await ops.create_task({"title": f"task {len(made)}"}))["id"])

    seen: List[Event] = []
    async with ops.subscribe("task.created", after=0) as events:
        for _ in range(3):
            await create(20)
            seen += await take(events, 10)  # Ten more are on the way, and lost with the connection.
            node.kill()
            node.start()
            await create(5)
            seen += await take(events, 15)

    assert [event.entity_id for event in seen] == made
    positions = [event.seq for event in seen]
    assert positions == sorted(set(positions))


async def test_it_waits_for_a_node_that_is_away_for_a_while(node: Node, ops: AgentOpsClient) -> None:
    async with ops.subscribe("task.created") as events:
        first = asyncio.ensure_future(take(events, 1))
        while events.seq is None:
            await asyncio.sleep(0.01)
        node.kill()
        with pytest.raises(UnavailableError):
            await ops.get_task(1)
        node.start()
        task = await ops.create_task({"title": "back"})

        (event,) = await first

    assert event.entity_id == task["id"]


async def test_it_gives_up_when_it_was_told_to(node: Node, ops: AgentOpsClient) -> None:
    async with ops.subscribe("task.*", after=0, reconnect_for=0.5) as events:
        await ops.create_task({"title": "one"})
        await take(events, 1)
        node.kill()

        with pytest.raises(UnavailableError):
            await take(events, 1)


@asynccontextmanager
async def repeating(*connections: List[int]) -> AsyncIterator[Tuple[str, List[str]]]:
    """A server whose connections send these positions and break; yields its address and what it was asked."""
    asked: List[str] = []

    async def serve(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked.append(parse_qs(urlsplit(socket.request.path).query)["after"][0])
        for seq in connections[min(len(asked), len(connections)) - 1]:
            event = {"seq": seq, "id": "x", "type": "task.created", "entity_type": "task", "entity_id": "x"}
            await socket.send(json.dumps({**event, "agent_name": "x", "payload": {}, "timestamp": "x"}))

    async with server.serve(serve, "127.0.0.1", 0) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}", asked


async def test_what_is_sent_twice_is_handed_out_once() -> None:
    async with repeating([8, 9, 9], [], [9, 8, 10, 12]) as (url, asked), AgentOpsClient(url, "key") as ops:
        async with ops.subscribe("task.*", after=7) as events:
            assert [event.seq for event in await take(events, 4)] == [8, 9, 10, 12]

    assert asked == ["7", "9", "9"]


async def test_connections_that_break_at_once_are_given_up_too() -> None:
    async with repeating([]) as (url, asked), AgentOpsClient(url, "key") as ops:
        async with ops.subscribe("task.*", after=7, reconnect_for=0.5) as events:
            with pytest.raises(UnavailableError, match="breaking"):
                await take(events, 1)

    assert 2 <= len(asked) <= 5


async def test_a_key_that_is_revoked_ends_it(node: Node, helper: AgentOpsClient) -> None:
    async with helper.subscribe("task.*", after=0) as events:
        await helper.create_task({"title": "one"})
        await take(events, 1)
        (key,) = [key for key in json.loads(node.hearth("keys", "list", "--json"))["items"] if key["name"] == "helper"]
        node.hearth("keys", "revoke", key["id"])
        node.kill()
        node.start()

        with pytest.raises(DeniedError):
            await take(events, 1)


async def test_closing_it_or_the_client_ends_whoever_waits(node: Node, ops: AgentOpsClient) -> None:
    for close_client in (False, True):
        client = AgentOpsClient(node.url, node.owner_key())
        await client.create_task({"title": "one"})
        subscription = client.subscribe("task.created", after=await ops.last_seq() - 1)
        await take(subscription, 1)

        async def rest(events: Subscription = subscription) -> List[Event]:
            return [event async for event in events]

        waiting = asyncio.ensure_future(rest())
        await asyncio.sleep(0)
        await (client.aclose() if close_client else subscription.aclose())

        assert await asyncio.wait_for(waiting, WITHIN) == []
        await client.aclose()
