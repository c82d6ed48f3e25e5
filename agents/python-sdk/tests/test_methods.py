"""Every method against a real node."""

from __future__ import annotations

import uuid

import pytest
from conftest import Node

from agentops import AgentOpsClient, InvalidInputError

pytestmark = pytest.mark.anyio
SEED = {"name": "helper", "type": "orchestrator", "capabilities": ["counting"]}


async def test_a_project_is_made_and_found_by_its_name(ops: AgentOpsClient) -> None:
    made = await ops.create_project({"name": "big garden & co", "description": "beans", "status": "active"})

    found = await ops.get_project_by_name("big garden & co")

    assert found == made
    assert found["description"] == "beans"


async def test_a_task_is_made_as_the_specification_has_it(ops: AgentOpsClient) -> None:
    project = await ops.create_project({"name": "garden", "description": ""})

    made = await ops.create_task(
        {
            "project_id": project["id"],
            "title": "Order Spätzle",
            "description": "",
            "priority": "high",
            "context": {"shop": "Ada's"},
            "created_by": "cos-agent",
        }
    )

    assert await ops.get_task(made["id"]) == made
    assert await ops.get_task(made["number"]) == made
    assert (made["title"], made["priority"], made["created_by"]) == ("Order Spätzle", "high", "cos-agent")
    assert made["context"] == {"shop": "Ada's"}


async def test_the_same_idempotency_key_makes_one_task(ops: AgentOpsClient) -> None:
    key = str(uuid.uuid4())

    first = await ops.create_task({"title": "once"}, idempotency_key=key)
    again = await ops.create_task({"title": "once"}, idempotency_key=key)
    other = await ops.create_task({"title": "once"})

    assert again["id"] == first["id"] != other["id"]


async def test_tasks_are_queried_by_filters_and_over_pages(ops: AgentOpsClient) -> None:
    for number in range(505):
        await ops.create_task({"title": f"bean {number}", "priority": "low" if number % 5 else "critical"})

    everything = await ops.query_tasks()
    urgent = await ops.query_tasks({"priority": ["critical", "high"], "status": "pending"})
    few = await ops.query_tasks({"order": "created_at", "limit": 3})

    assert len({task["id"] for task in everything}) == 505
    assert len(urgent) == 101
    assert [task["title"] for task in few] == ["bean 0", "bean 1", "bean 2"]
    assert await ops.query_tasks({"status": "blocked"}) == []


async def test_a_task_is_updated_and_none_empties_a_field(ops: AgentOpsClient) -> None:
    task = await ops.create_task({"title": "beans", "due_at": "2030-01-01T00:00:00Z"})

    changed = await ops.update_task(task["id"], {"title": "peas", "due_at": None}, version=task["version"])

    assert (changed["title"], changed["due_at"]) == ("peas", None)


async def test_a_task_is_claimed_kept_changed_and_completed(helper: AgentOpsClient) -> None:
    made = await helper.create_task({"title": "count"})
    artifact = await helper.create_artifact(None, "report", "12 words\n", name="report.txt")

    task = await helper.claim_task(made["id"], agent="helper", lease_seconds=600)
    renewed = await helper.heartbeat_task(made["id"], message="counting", percent=50)
    changed = await helper.update_task(made["id"], {"labels": ["words"]})
    done = await helper.complete_task(made["id"], result={"words": 12}, artifacts=[artifact])

    assert (task["status"], task["fence"], task["assigned_to"]) == ("in_progress", 1, "helper")
    assert renewed["lease_expires_at"] >= task["lease_expires_at"]
    assert changed["labels"] == ["words"]
    assert (done["status"], done["result"]) == ("completed", {"words": 12})


async def test_the_best_task_is_claimed_until_there_is_none(helper: AgentOpsClient) -> None:
    await helper.create_task({"title": "later", "priority": "low"})
    await helper.create_task({"title": "first", "priority": "critical"})

    claimed = [await helper.claim_next_task("helper") for _ in range(3)]

    assert [task and task["title"] for task in claimed] == ["first", "later", None]


async def test_a_task_is_blocked_with_a_question(helper: AgentOpsClient) -> None:
    made = await helper.create_task({"title": "letter"})
    await helper.claim_task(made["number"], agent="helper")

    blocked = await helper.block_task(made["id"], reason="Which tone?", options=["warm", "dry"], agent="helper")

    assert (blocked["status"], blocked["blocked_reason"]) == ("blocked", "Which tone?")
    assert blocked["blocked_options"] == ["warm", "dry"]


async def test_a_task_is_given_back(helper: AgentOpsClient) -> None:
    made = await helper.create_task({"title": "letter"})
    await helper.claim_task(made["id"], agent="helper")

    released = await helper.release_task(made["number"], reason="no time")

    assert (released["status"], released["attempt"]) == ("pending", 1)
    with pytest.raises(InvalidInputError, match="not claimed"):
        await helper.release_task(made["id"])


async def test_agents_register_say_that_they_are_there_and_are_listed(
    ops: AgentOpsClient, helper: AgentOpsClient
) -> None:
    registered = await helper.register_agent(SEED)
    busy = await helper.heartbeat("helper", status="busy")

    assert registered["capabilities"] == ["counting"]
    assert busy["status"] == "busy"
    assert await ops.list_agents({"status": "busy"}) == [busy]
    assert "helper" in [agent["name"] for agent in await ops.list_agents()]


@pytest.mark.parametrize(
    ("content", "media_type", "size"),
    [("héllo", "text/plain; charset=utf-8", 6), (b"\x00\xff", "application/octet-stream", 2), ("", "text/plain; charset=utf-8", 0)],
)
async def test_an_artifact_is_stored(
    ops: AgentOpsClient, content: "str | bytes", media_type: str, size: int
) -> None:
    task = await ops.create_task({"title": "letter"})

    stored = await ops.create_artifact(task["id"], "report", content, name="naïve.txt", metadata={"a": [1]})

    assert (stored["task_id"], stored["type"], stored["name"]) == (task["id"], "report", "naïve.txt")
    assert (stored["media_type"], stored["size_bytes"], stored["metadata"]) == (media_type, size, {"a": [1]})


async def test_an_agent_stores_a_large_artifact_of_the_task_it_holds(helper: AgentOpsClient) -> None:
    task = await helper.create_task({"title": "letter"})
    await helper.claim_task(task["id"], agent="helper")

    stored = await helper.create_artifact(task["id"], "report", b"x" * 3_000_000, name="ü.png", metadata={"a": 1})

    assert (stored["task_id"], stored["size_bytes"], stored["name"]) == (task["id"], 3_000_000, "ü.png")
    assert (stored["media_type"], stored["metadata"]) == ("application/octet-stream", {"a": 1})


async def test_the_position_is_that_of_the_newest_event(ops: AgentOpsClient, node: Node) -> None:
    before = await ops.last_seq()
    await ops.create_task({"title": "one"})

    assert await ops.last_seq() == before + 1
