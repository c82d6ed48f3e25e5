"""Keeps a claim while its holder works, and stops the work when the claim is lost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Optional

from .claims import Claim, TaskId
from .errors import AgentOpsError, UnavailableError

if TYPE_CHECKING:
    from .client import AgentOpsClient


class ClaimKeeper:
    """``async with ops.keep_claim(task_id):`` renews the claim three times a lease.

    When the claim is lost (the task was cancelled, handed on, or the node was out of reach until
    the lease ended), the body is cancelled and the error that told of it is raised in its place.
    Complete or block the task after the block, when nothing renews it any more.
    """

    def __init__(self, client: "AgentOpsClient", task_id: TaskId, claim: Claim) -> None:
        self._client = client
        self._task_id = task_id
        self._claim = claim
        self._worker: Optional["asyncio.Task[object]"] = None
        self._renewing: Optional["asyncio.Task[None]"] = None
        self._lost: Optional[AgentOpsError] = None

    async def __aenter__(self) -> "ClaimKeeper":
        self._worker = asyncio.current_task()
        self._renewing = asyncio.ensure_future(self._renew())
        return self

    async def __aexit__(self, kind: Optional[type], *_: object) -> None:
        is_cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        if self._renewing is not None:
            self._renewing.cancel()
            try:
                await asyncio.wait([self._renewing])
            except asyncio.CancelledError:
                # The body ended just before the cancellation reached it.
                if self._lost is None:
                    raise
                is_cancelled = True
        if self._lost is None or not is_cancelled:
            return
        # From Python 3.11 on, whoever swallows a cancellation that it asked for says so; one more
        # that somebody else asked for goes on its way.
        uncancel = getattr(self._worker, "uncancel", None)
        if uncancel is None or uncancel() == 0:
            raise self._lost

    async def _renew(self) -> None:
        good_until = time.monotonic() + self._claim.lease_seconds
        while True:
            await asyncio.sleep(self._claim.lease_seconds / 3)
            asked_at = time.monotonic()
            try:
                await self._client.heartbeat_task(
                    self._task_id, agent=self._claim.agent, fence=self._claim.fence
                )
                good_until = asked_at + self._claim.lease_seconds
            except UnavailableError as error:
                if time.monotonic() + self._claim.lease_seconds / 3 > good_until:
                    return self._stop(error)
            except AgentOpsError as error:
                return self._stop(error)

    def _stop(self, error: AgentOpsError) -> None:
        self._lost = error
        if self._worker is not None:
            self._worker.cancel()
