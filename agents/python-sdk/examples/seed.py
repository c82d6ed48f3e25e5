"""Seed, in Python: takes up what is pending, works on it, and completes it or says what is in the way.

    AGENTOPS_URL=http://127.0.0.1:4747 AGENTOPS_API_KEY=... python seed.py

The key is one for the agent ``seed``: ``hearth keys create --name seed --role agent --agent seed``.
Start the node with ``--no-agents``, so that the built-in Seed does not take the same tasks.
"""

import asyncio
import os
from contextlib import suppress
from typing import Any, Dict

from agentops import AgentOpsClient, ConflictError, NotFoundError, UnavailableError

NAME = "seed"


class SeedAgent:
    def __init__(self, agentops_url: str, api_key: str) -> None:
        self.ops = AgentOpsClient(url=agentops_url, api_key=api_key)

    async def run(self) -> None:
        while True:
            seen = asyncio.ensure_future(self.be_seen())
            try:
                await self.work()
            except UnavailableError:
                await asyncio.sleep(1)  # The node is restarting, perhaps; begin anew.
            finally:
                seen.cancel()

    async def be_seen(self) -> None:
        while True:
            await asyncio.sleep(20)
            with suppress(UnavailableError):
                await self.ops.heartbeat(NAME)

    async def work(self) -> None:
        await self.ops.register_agent(
            {
                "name": NAME,
                "type": "orchestrator",
                "capabilities": ["general-execution", "tool-creation", "agent-creation"],
            }
        )
        # Noted before the look at what waits already, so that nothing falls in between.
        position = await self.ops.last_seq()
        for task in await self.ops.query_tasks({"status": "pending", "order": "priority"}):
            await self.handle_new_task(task["id"])
        async with self.ops.subscribe("tasks.created", "tasks.pending", after=position) as events:
            async for event in events:
                await self.handle_new_task(event.payload["task_id"])

    async def handle_new_task(self, task_id: str) -> None:
        try:
            task = await self.ops.claim_task(task_id, agent=NAME)
        except (ConflictError, NotFoundError):
            return  # Somebody else has it, it is kept for somebody else, or it is gone.
        try:
            async with self.ops.keep_claim(task_id):
                result = await self.execute_task(task)
            artifacts = result.pop("artifacts", [])
            await self.ops.complete_task(task_id, result=result, artifacts=artifacts)
        except (ConflictError, UnavailableError):
            return  # Cancelled, handed on, or out of reach: the node hands it out again.
        except Exception as error:
            with suppress(ConflictError):
                await self.ops.block_task(task_id, reason=str(error) or repr(error), agent=NAME)

    async def execute_task(self, task: Dict[str, Any]) -> Dict[str, Any]:
        """Where a model would think. This one counts words, and stores a report."""
        text = f"{task['title']} {task['description']}"
        if "?" in text:
            raise ValueError(f"I only count words. What am I to do with: {task['title']}")
        words = len(text.split())
        report = await self.ops.create_artifact(
            None, "report", f"{task['title']}: {words} words\n", name="report.txt", agent=NAME
        )
        return {"words": words, "artifacts": [report]}


if __name__ == "__main__":
    agent = SeedAgent(os.environ["AGENTOPS_URL"], os.environ["AGENTOPS_API_KEY"])
    try:
        asyncio.run(agent.run())
    except KeyboardInterrupt:
        pass
