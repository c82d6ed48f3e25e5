"""A real node for each test: the program itself, in a folder of its own, on a free port."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import AsyncIterator, Dict, Iterator, Optional

import pytest

from agentops import AgentOpsClient

PROGRAM = Path(
    os.environ.get("HEARTH_PROGRAM")
    or Path(__file__).resolve().parents[3] / "target" / "debug" / "hearth"
)
#: How long a node may take to be ready, and whatever is waited for to happen; busy machines are slow.
WITHIN = 30.0


class Node:
    """A node's folder and, while it runs, its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._process: Optional["subprocess.Popen[str]"] = None

    def start(self) -> None:
        """Starts the node; again, on the port it had."""
        listen = self.url[len("http://") :] or "127.0.0.1:0"
        with (self.folder / "node.log").open("a") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "up", "--listen", listen, "--no-agents"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = self._ready_line()

    def kill(self) -> None:
        """Ends the node as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def hearth(self, *arguments: str) -> str:
        """Runs a command against the node and returns what it printed."""
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=True,
        )
        return done.stdout.strip()

    def owner_key(self) -> str:
        return (self.folder / "owner.key").read_text().strip()

    def agent_key(self, agent: str) -> str:
        return self.hearth("keys", "create", "--name", agent, "--role", "agent", "--agent", agent)

    def _environment(self) -> Dict[str, str]:
        settings = self.folder / "hearth.toml"
        settings.touch()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
        return {
            **kept,
            "HEARTH_DATA_DIR": str(self.folder),
            "HEARTH_MODEL_FIND_LOCAL": "false",
            "HEARTH_CONFIG": str(settings),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder / 'no-bus'}",
        }

    def _ready_line(self) -> str:
        process = self._process
        assert process is not None and process.stdout is not None
        lines: "Queue[str]" = Queue()
        threading.Thread(target=lambda out=process.stdout: lines.put(out.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=WITHIN).strip()
        except Empty:
            line = ""
        if not line.startswith("ready "):
            self.kill()
            pytest.fail(f"the node did not become ready: {(self.folder / 'node.log').read_text()}")
        return line[len("ready ") :]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    assert PROGRAM.is_file(), f"no program {PROGRAM}; build it: cargo build -p hearth-node"
    folder = tmp_path / "node"
    folder.mkdir(mode=0o700)
    node = Node(folder)
    node.start()
    try:
        yield node
    finally:
        node.kill()


@pytest.fixture
async def ops(node: Node) -> AsyncIterator[AgentOpsClient]:
    """The owner's client."""
    async with AgentOpsClient(url=node.url, api_key=node.owner_key()) as client:
        yield client


@pytest.fixture
async def helper(node: Node) -> AsyncIterator[AgentOpsClient]:
    """A client with the key of the agent ``helper``."""
    async with AgentOpsClient(url=node.url, api_key=node.agent_key("helper")) as client:
        yield client


