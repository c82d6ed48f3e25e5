"""A server on loopback that answers as it is told, for what no real node does on demand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import AsyncIterator, List, Literal, Sequence, Tuple, Union

#: An answer: status, further headers, body; None hangs up without one, "silence" does not even that.
Answer = Union[Tuple[int, str, str], Literal["silence"], None]


class FlakyServer:
    """Counts requests; the last answer is given to all that come after."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: List[Tuple[str, bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0
        )
        self.requests.append((head, await reader.readexactly(length)))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer == "silence":
            await reader.read()  # Until the client has had enough.
        elif answer is not None:
            status, headers, body = answer
            writer.write(
                f"HTTP/1.1 {status} x\r\n{headers}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            await writer.drain()
        writer.close()


@asynccontextmanager
async def flaky(*answers: Answer) -> AsyncIterator[FlakyServer]:
    flaky_server = FlakyServer(answers)
    server = await asyncio.start_server(flaky_server.serve, "127.0.0.1", 0)
    flaky_server.url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    async with server:
        yield flaky_server
