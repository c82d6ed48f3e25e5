"""The key stays where it belongs."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest
from conftest import WITHIN, Node

from agentops import AgentOpsClient, AgentOpsError


@pytest.mark.anyio
async def test_the_key_is_in_no_log_repr_or_error(
    node: Node, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = node.owner_key()
    shown = []
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # No way to this very machine.
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "httpx", "httpcore", "agentops"):
        caplog.set_level(logging.DEBUG, logger=name)

    async with AgentOpsClient(node.url, key) as ops:
        task = await ops.create_task({"title": "x"})
        async with ops.subscribe("task.*", after=0) as events:
            await asyncio.wait_for(events.__anext__(), WITHIN)
            shown += [repr(events), str(vars(events))]
        shown += [repr(ops), str(vars(ops)), repr(ops._transport), str(task)]
        for request in (ops.get_task(99), ops.claim_task(1, agent="")):
            try:
                await request
            except AgentOpsError as error:
                shown += [repr(error), str(vars(error)), traceback.format_exc()]
        node.kill()
        try:
            await ops.register_agent({"name": "a", "type": "b"})
        except AgentOpsError:
            shown.append(traceback.format_exc())

    assert "HTTP Request: POST" in caplog.text
    assert key not in caplog.text
    assert key not in "\n".join(shown)


@pytest.mark.parametrize("key", ["", "  ", "two words", "sécret", "line\nbreak"])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as caught:
        AgentOpsClient("http://127.0.0.1:4747", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:4747", "ftp://x", "http://", "http://a:secret@x", "http://x/?key=secret", "http://x/#secret"]
)
def test_what_is_no_address_of_a_node_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="url") as caught:
        AgentOpsClient(url, "key")
    assert "secret" not in str(caught.value)
