"""Each category of errors, as the node gives it."""

from __future__ import annotations

import pytest
from conftest import Node

from agentops import (
    AgentOpsClient,
    AgentOpsError,
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)

pytestmark = pytest.mark.anyio
NOBODY = "00000000-0000-7000-8000-000000000000"


async def test_what_is_not_there_is_not_found(ops: AgentOpsClient) -> None:
    for request in (
        ops.get_task(NOBODY),
        ops.get_task(99),
        ops.get_project_by_name("nowhere"),
        ops.claim_task(NOBODY, agent="helper"),
        ops.update_task(NOBODY, {"title": "x"}),
        ops.heartbeat("nobody"),
    ):
        with pytest.raises(NotFoundError) as caught:
            await request
        assert (caught.value.status, caught.value.code) == (404, "not_found")


async def test_what_a_field_does_not_take_names_the_field(ops: AgentOpsClient) -> None:
    task = await ops.create_task({"title": "x"})
    for field, request in (
        ("title", ops.create_task({"title": ""})),
        ("priority", ops.update_task(task["id"], {"priority": "urgent"})),
        ("status", ops.query_tasks({"status": "done"})),
        ("lease_seconds", ops.claim_task(task["id"], agent="helper", lease_seconds=1)),
        ("type", ops.create_artifact(None, "a report", "x")),
        ("after", ops.subscribe("task.created", after=-1).__anext__()),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await request
        assert (caught.value.status, caught.value.field) == (422, field)
        assert caught.value.request_id


async def test_what_cannot_be_meant_is_refused_before_it_is_sent(ops: AgentOpsClient) -> None:
    with pytest.raises(InvalidInputError, match="task_id"):
        await ops.get_task("..")
    with pytest.raises(InvalidInputError, match="channels"):
        ops.subscribe("events:nothing")
    with pytest.raises(InvalidInputError, match="not claimed") as caught:
        await ops.complete_task(1, result={})
    assert caught.value.field == "agent"
    with pytest.raises(ValueError, match="JSON"):
        await ops.create_task({"title": "x", "context": {"a": float("nan")}})


async def test_a_name_that_is_taken_is_a_conflict(ops: AgentOpsClient) -> None:
    await ops.create_project({"name": "garden"})

    with pytest.raises(ConflictError) as caught:
        await ops.create_project({"name": "garden"})

    assert (caught.value.status, caught.value.code) == (409, "name_taken")
    assert not isinstance(caught.value, WrongStateError)


async def test_another_version_is_a_conflict(ops: AgentOpsClient) -> None:
    task = await ops.create_task({"title": "x"})

    with pytest.raises(ConflictError) as caught:
        await ops.update_task(task["id"], {"title": "y"}, version=7)

    assert caught.value.code == "stale_version"


async def test_a_task_that_is_not_pending_is_in_the_wrong_state_which_is_a_conflict(
    ops: AgentOpsClient, helper: AgentOpsClient
) -> None:
    task = await ops.create_task({"title": "x"})
    await ops.claim_task(task["id"], agent="seed")

    with pytest.raises(WrongStateError) as caught:
        await helper.claim_task(task["id"], agent="helper")

    assert isinstance(caught.value, ConflictError)
    assert caught.value.code == "wrong_state"


async def test_a_key_is_denied_what_it_may_not_do_and_an_unknown_one_everything(
    node: Node, helper: AgentOpsClient
) -> None:
    task = await helper.create_task({"title": "x"})
    with pytest.raises(DeniedError) as caught:
        await helper.claim_task(task["id"], agent="seed")
    assert caught.value.status == 403

    async with AgentOpsClient(node.url, "not-a-key") as stranger:
        for request in (stranger.list_agents(), stranger.subscribe().__anext__()):
            with pytest.raises(DeniedError) as caught:
                await request
            assert caught.value.status == 401


async def test_a_completion_without_the_evidence_says_what_was_found(helper: AgentOpsClient) -> None:
    task = await helper.create_task(
        {"title": "x", "acceptance": [{"kind": "artifact", "type": "report", "min_bytes": 1}]}
    )
    await helper.claim_task(task["id"], agent="helper")

    with pytest.raises(InvalidInputError) as caught:
        await helper.complete_task(task["id"])

    assert (caught.value.code, caught.value.failures, caught.value.is_blocked) == ("acceptance_failed", 1, False)
    assert caught.value.evidence[0]["check"]["type"] == "report"
    report = await helper.create_artifact(None, "report", "there")
    done = await helper.complete_task(task["id"], artifacts=[report["id"]])
    assert done["status"] == "completed"


async def test_a_node_that_is_gone_is_unavailable(node: Node, ops: AgentOpsClient) -> None:
    task = await ops.create_task({"title": "x"})
    node.kill()

    for request in (ops.get_task(task["id"]), ops.register_agent({"name": "a", "type": "b"})):
        with pytest.raises(UnavailableError) as caught:
            await request
        assert (caught.value.code, caught.value.status) == ("unreachable", None)
    with pytest.raises(UnavailableError):
        await ops.subscribe("task.*", reconnect_for=0).__anext__()


async def test_every_error_is_of_the_base_class() -> None:
    for kind in (NotFoundError, InvalidInputError, ConflictError, DeniedError, UnavailableError):
        assert issubclass(kind, AgentOpsError)
