"""What is sent again, how often, and what never is."""

from __future__ import annotations

from typing import Awaitable, Callable

import pytest
from flaky_server import flaky

from agentops import AgentOpsClient, AgentOpsError, UnavailableError
from agentops.transport import ATTEMPTS

pytestmark = pytest.mark.anyio
BUSY = (503, "Retry-After: 0\r\n", '{"code": "busy", "detail": "not at the moment"}')
FINE = (200, "", '{"id": "1", "number": 1, "fence": 1, "items": [], "next_cursor": null}')


async def test_a_read_is_sent_again_until_it_is_answered() -> None:
    async with flaky(BUSY, None, FINE) as server, AgentOpsClient(server.url, "key") as ops:
        assert await ops.query_tasks() == []
    assert len(server.requests) == 3


async def test_a_read_is_sent_a_few_times_and_no_more() -> None:
    async with flaky(BUSY) as server, AgentOpsClient(server.url, "key") as ops:
        with pytest.raises(UnavailableError) as caught:
            await ops.get_task(1)
    assert (len(server.requests), caught.value.retry_after) == (ATTEMPTS, 0.0)


async def test_a_task_is_made_with_the_same_key_and_bytes_each_time() -> None:
    async with flaky(None, BUSY, FINE) as server, AgentOpsClient(server.url, "key") as ops:
        await ops.create_task({"title": "x"})
        await ops.create_task({"title": "x"})

    def key(head: str) -> str:
        return next(line for line in head.splitlines() if line.lower().startswith("idempotency-key: "))

    keys = [key(head) for head, _ in server.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert len({body for _, body in server.requests}) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda ops: ops.create_project({"name": "x"}),
        lambda ops: ops.update_task(1, {}),
        lambda ops: ops.claim_task(1, agent="a"),
        lambda ops: ops.claim_next_task("a"),
        lambda ops: ops.complete_task(1, agent="a", fence=1),
        lambda ops: ops.block_task(1, "why", agent="a", fence=1),
        lambda ops: ops.create_artifact(None, "report", "x"),
        lambda ops: ops.register_agent({"name": "a", "type": "b"}),
    ],
)
async def test_any_other_change_is_sent_once(change: Callable[[AgentOpsClient], Awaitable[object]]) -> None:
    for answer, code in ((BUSY, "busy"), (None, "no_answer")):
        async with flaky(answer, FINE) as server, AgentOpsClient(server.url, "key") as ops:
            with pytest.raises(UnavailableError) as caught:
                await change(ops)
        assert (len(server.requests), caught.value.code) == (1, code)


@pytest.mark.parametrize("answer", [(503, "Retry-After: 60\r\n", ""), (507, "", '{"code": "no_room"}')])
async def test_what_takes_longer_is_told_at_once(answer: "tuple[int, str, str]") -> None:
    async with flaky(answer) as server, AgentOpsClient(server.url, "key") as ops:
        with pytest.raises(UnavailableError):
            await ops.get_task(1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, "", '{"code": "internal", "detail": "broken"}'), "internal"),
        ((302, "Location: http://example.invalid/\r\n", ""), "http_302"),
        ((418, "", "<html>"), "http_418"),
        ((200, "", "<html>"), "not_understood"),
        ((200, "", "[]"), "not_understood"),
    ],
)
async def test_an_answer_that_is_no_nodes_is_told_of(answer: "tuple[int, str, str]", code: str) -> None:
    async with flaky(answer) as server, AgentOpsClient(server.url, "key") as ops:
        with pytest.raises(AgentOpsError) as caught:
            await ops.get_task(1)
    assert (caught.value.code, len(server.requests)) == (code, 1)


async def test_an_answer_that_takes_too_long_is_waited_for_no_longer() -> None:
    async with flaky("silence") as server, AgentOpsClient(server.url, "key", timeout=0.2) as ops:
        with pytest.raises(UnavailableError, match="not known") as caught:
            await ops.register_agent({"name": "a", "type": "b"})
    assert caught.value.code == "no_answer"
