"""The example, as a program of its own against a real node."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator

import pytest
from conftest import WITHIN, Node

from agentops import AgentOpsClient

PACKAGE = Path(__file__).resolve().parents[1]


@pytest.fixture
def seed(node: Node, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (tmp_path / "seed.log").open("wb") as log:
        program = subprocess.Popen(
            [sys.executable, str(PACKAGE / "examples" / "seed.py")],
            env={
                **os.environ,
                "PYTHONPATH": str(PACKAGE / "src"),
                "AGENTOPS_URL": node.url,
                "AGENTOPS_API_KEY": node.agent_key("seed"),
            },
            stderr=log,
        )
    try:
        yield program
    finally:
        program.kill()
        program.wait()


async def settled(ops: AgentOpsClient, task_id: str) -> Dict[str, object]:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        task = await ops.get_task(task_id)
        if task["status"] in ("completed", "blocked"):
            return task
        await asyncio.sleep(0.02)
    pytest.fail(f"the task was not taken up: {task}")


@pytest.mark.anyio
async def test_seed_works_on_what_waits_and_comes_and_through_a_restart(
    node: Node, ops: AgentOpsClient, request: pytest.FixtureRequest
) -> None:
    waiting = await ops.create_task({"title": "Count these words"})
    program: "subprocess.Popen[bytes]" = request.getfixturevalue("seed")

    done = await settled(ops, waiting["id"])
    asked = await settled(ops, (await ops.create_task({"title": "Why?"}))["id"])
    node.kill()
    node.start()
    again = await settled(ops, (await ops.create_task({"title": "And these"}))["id"])

    assert (done["status"], done["result"], done["assigned_to"]) == ("completed", {"words": 3}, "seed")
    page = await ops._transport.get(f"/tasks/{waiting['id']}/artifacts")
    assert [artifact["name"] for artifact in page["items"]] == ["report.txt"]
    assert (asked["status"], asked["blocked_reason"]) == ("blocked", "I only count words. What am I to do with: Why?")
    assert (again["status"], again["result"]) == ("completed", {"words": 2})
    assert program.poll() is None
