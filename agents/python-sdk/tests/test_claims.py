"""A claim is a fence: remembered, passed, lost, and never given to two."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Any, Dict, List

import pytest
from conftest import WITHIN, Node

from agentops import AgentOpsClient, ConflictError, InvalidInputError, WrongStateError
from agentops.claims import REMEMBERED_MAX, Claims

pytestmark = pytest.mark.anyio


async def test_the_caller_may_pass_a_fence_and_an_old_one_changes_nothing(
    node: Node, helper: AgentOpsClient
) -> None:
    task = await helper.create_task({"title": "x"})
    await helper.claim_task(task["id"], agent="helper")
    await helper.release_task(task["id"])
    second = await helper.claim_task(task["id"], agent="helper")

    with pytest.raises(ConflictError) as caught:
        await helper.complete_task(task["id"], fence=second["fence"] - 1)
    assert caught.value.code == "fence_mismatch"

    async with AgentOpsClient(node.url, node.agent_key("other")) as other:
        with pytest.raises(ConflictError):
            await other.block_task(task["id"], "mine", agent="other", fence=second["fence"])
    assert (await helper.complete_task(task["id"]))["status"] == "completed"


async def test_another_client_goes_on_with_the_fence_it_is_told(node: Node, helper: AgentOpsClient) -> None:
    task = await helper.create_task({"title": "x"})
    fence = (await helper.claim_task(task["id"], agent="helper"))["fence"]

    async with AgentOpsClient(node.url, node.agent_key("helper")) as again:
        with pytest.raises(InvalidInputError):
            await again.heartbeat_task(task["id"])
        await again.heartbeat_task(task["id"], agent="helper", fence=fence)
        await again.update_task(task["id"], {"labels": ["a"]}, fence=fence)
        done = await again.complete_task(task["id"], agent="helper", fence=fence)

    assert done["status"] == "completed"


async def test_a_claim_is_kept_while_the_body_runs(helper: AgentOpsClient) -> None:
    task = await helper.create_task({"title": "x"})
    claimed = await helper.claim_task(task["id"], agent="helper", lease_seconds=12)

    async with helper.keep_claim(task["id"]):
        renewed = claimed
        while renewed["lease_expires_at"] == claimed["lease_expires_at"]:
            await asyncio.sleep(0.05)
            renewed = await helper.get_task(task["id"])

    assert renewed["fence"] == claimed["fence"]
    assert (await helper.complete_task(task["id"]))["status"] == "completed"


async def test_the_body_is_stopped_when_the_task_is_cancelled(node: Node, helper: AgentOpsClient) -> None:
    task = await helper.create_task({"title": "x"})
    await helper.claim_task(task["id"], agent="helper", lease_seconds=5)
    node.hearth("task", "cancel", str(task["number"]))

    with pytest.raises(WrongStateError):
        async with helper.keep_claim(task["id"]):
            await asyncio.sleep(WITHIN)

    this: Any = asyncio.current_task()
    assert sys.version_info < (3, 11) or this.cancelling() == 0


async def test_an_error_of_the_body_and_a_cancellation_from_outside_pass_through(helper: AgentOpsClient) -> None:
    task = await helper.create_task({"title": "x"})
    await helper.claim_task(task["id"], agent="helper")
    with pytest.raises(InvalidInputError):
        helper.keep_claim(99)

    with pytest.raises(KeyError):
        async with helper.keep_claim(task["id"]):
            raise KeyError("body")

    entered = asyncio.Event()

    async def work() -> None:
        async with helper.keep_claim(task["id"]):
            entered.set()
            await asyncio.sleep(WITHIN)

    working = asyncio.ensure_future(work())
    await entered.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_eight_clients_race_for_fifty_tasks_and_none_is_claimed_twice(
    node: Node, ops: AgentOpsClient
) -> None:
    tasks = [(await ops.create_task({"title": f"task {n}"}))["id"] for n in range(50)]
    claimed: Dict[str, List[str]] = {task: [] for task in tasks}
    conflicts = 0

    async def race(client: AgentOpsClient, agent: str) -> None:
        nonlocal conflicts
        for task in tasks:
            try:
                held = await client.claim_task(task, agent=agent)
            except ConflictError:
                conflicts += 1
                continue
            claimed[task].append(agent)
            done = await client.complete_task(task, result={"by": agent, "fence": held["fence"]})
            assert done["result"]["by"] == agent

    async with AsyncExitStack() as stack:
        racers = []
        for number in range(8):
            agent = f"racer-{number}"
            client = AgentOpsClient(node.url, node.agent_key(agent))
            racers.append(race(await stack.enter_async_context(client), agent))
        await asyncio.gather(*racers)

    assert all(len(agents) == 1 for agents in claimed.values())
    assert conflicts == 8 * 50 - 50
    assert len(await ops.query_tasks({"status": "completed"})) == 50


async def test_the_oldest_of_too_many_claims_is_forgotten() -> None:
    claims = Claims()
    for number in range(REMEMBERED_MAX + 1):
        claims.remember({"id": f"id-{number}", "number": number, "fence": 1}, "helper", None)

    assert claims.find("id-0") is None
    assert claims.find(REMEMBERED_MAX) == claims.find(f"id-{REMEMBERED_MAX}") is not None
