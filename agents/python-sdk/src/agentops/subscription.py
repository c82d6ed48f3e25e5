"""Events as they happen, over a WebSocket that is made again whenever it breaks."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Awaitable, Callable, Dict, Optional
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from .errors import AgentOpsError, UnavailableError, from_response
from .events import Event, Wanted
from .transport import CONNECT_WITHIN, Transport, backoff

_LOG = logging.getLogger("agentops")
# The library would log every header of its handshake, the key among them, where somebody asks for
# debugging. This logger belongs to no tree, has no place to write to, and takes nothing.
_SILENT = logging.Logger("agentops.handshake", logging.CRITICAL + 1)

#: The largest event, in bytes; above what the node lets wait for a subscriber.
_EVENT_MAX = 8 * 1024 * 1024
#: How many events wait here before the connection is read no further.
_QUEUE_MAX = 64
#: A connection that lasted this long, in seconds, was a good one, whether or not it brought an event.
_STEADY = 10.0


class Subscription:
    """An async iterator over events; with ``async with``, or ``aclose()``, it ends its connection.

    ``seq`` is the position of the last event that was handed out. A program that keeps it goes on
    there later with ``subscribe(..., after=seq)``.
    """

    def __init__(
        self,
        transport: Transport,
        wanted: Wanted,
        position: Callable[[], Awaitable[int]],
        after: Optional[int],
        filters: Dict[str, str],
        reconnect_for: Optional[float],
    ) -> None:
        self.seq = after
        self._transport = transport
        self._wanted = wanted
        self._position = position
        self._filters = filters
        self._reconnect_for = reconnect_for
        self._socket: Optional[ClientConnection] = None
        self._connected_at = 0.0
        self._failures = 0
        self._broken_since: Optional[float] = None
        self.is_closed = False

    def __aiter__(self) -> "Subscription":
        return self

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __anext__(self) -> Event:
        """Waits for the next event, as long as it takes.

        Raises UnavailableError when the connection could not be made again within
        ``reconnect_for`` seconds, DeniedError when the key is not valid (any more).
        """
        while not self.is_closed:
            if self._socket is None:
                await self._connect()
                continue
            try:
                message = await self._socket.recv()
            except ConnectionClosed as error:
                self._socket = None
                if not self.is_closed:
                    self._lost(error)
                continue
            event = self._wanted.read(message)
            self._failures = 0
            self._broken_since = None
            # The node repeats nothing; this holds whatever stands between.
            if self.seq is None or event.seq > self.seq:
                self.seq = event.seq
                return event
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends the subscription; whoever waits for an event is told that there are no more."""
        self.is_closed = True
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _connect(self) -> None:
        if self._failures > 0:
            await asyncio.sleep(backoff(self._failures))
        try:
            if self.seq is None:
                # Fixed before the first connection, so that nothing is missed if that one breaks.
                self.seq = await self._position()
            socket = await self._handshake(self.seq)
        except UnavailableError as error:
            self._lost(error)
            return
        if self.is_closed:
            await socket.close()
            return
        self._socket = socket
        self._connected_at = time.monotonic()

    async def _handshake(self, after: int) -> ClientConnection:
        query = {"after": str(after), "type": ",".join(self._wanted.types), **self._filters}
        url = f"ws{self._transport.base_url[len('http') :]}/api/v1/events/stream?{urlencode(query)}"
        try:
            return await connect(
                url,
                additional_headers=self._transport.authorization(),
                proxy=None if self._transport.is_loopback else True,
                open_timeout=2 * CONNECT_WITHIN,
                close_timeout=1,
                max_size=_EVENT_MAX,
                max_queue=_QUEUE_MAX,
                logger=_SILENT,
            )
        except InvalidStatus as error:
            response = error.response
            raise from_response(response.status_code, response.headers, response.body) from error
        except (OSError, asyncio.TimeoutError, WebSocketException) as error:
            message = f"no stream of events from {self._transport.base_url} ({type(error).__name__})"
            raise UnavailableError(message, code="unreachable") from error

    def _lost(self, error: Exception) -> None:
        """Counts a connection that broke or was not made, and gives up when it has been too long."""
        now = time.monotonic()
        if self._connected_at and now - self._connected_at >= _STEADY:
            self._failures, self._broken_since = 0, None
        self._connected_at = 0.0
        self._failures += 1
        if self._broken_since is None:
            self._broken_since = now
            _LOG.info("the stream of events broke after seq %s and is made again: %s", self.seq, error)
        if self._reconnect_for is not None and now - self._broken_since >= self._reconnect_for:
            if isinstance(error, AgentOpsError):
                raise error
            raise UnavailableError(f"the stream of events keeps breaking: {error}", code="unreachable") from error
