"""What can go wrong, one class per category. A message never holds the key."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Type, Union, cast


class AgentOpsError(Exception):
    """A request was not done.

    ``status`` is the HTTP status, None where no answer came. ``code`` is a stable word for the
    problem. ``request_id`` names the request in the node's log.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.request_id = request_id


class NotFoundError(AgentOpsError):
    """There is no such thing."""


class InvalidInputError(AgentOpsError):
    """A field was given what it does not take, or a completion did not pass its checks.

    ``field`` names the field. With the code ``acceptance_failed``, ``evidence`` lists the checks
    that did not hold (``{"check": ..., "found": ...}``), ``failures`` counts the refused
    completions, and ``is_blocked`` says whether the task now waits for its owner.
    """

    field: Optional[str] = None
    evidence: List[Dict[str, Any]]
    failures: Optional[int] = None
    is_blocked: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "invalid_input",
        status: Optional[int] = None,
        request_id: Optional[str] = None,
        field: Optional[str] = None,
    ) -> None:
        super().__init__(message, code=code, status=status, request_id=request_id)
        self.field = field
        self.evidence = []


class ConflictError(AgentOpsError):
    """Somebody else was first: another holder, another fence, another version, a name in use."""


class WrongStateError(ConflictError):
    """The state of the thing does not allow it, such as a claim of a task that is not pending.

    A conflict too, since mostly somebody else brought it into that state.
    """


class DeniedError(AgentOpsError):
    """The key is unknown (401), or may not do this (403)."""


class UnavailableError(AgentOpsError):
    """The node did not answer, or not at the moment; trying again later may help.

    ``retry_after`` says after how many seconds, where the node said so. The code
    ``unreachable`` means that the request was never sent, ``no_answer`` that it may have been done.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message, code=code, status=status, request_id=request_id)
        self.retry_after = retry_after


_WRONG_STATE = frozenset({"wrong_state", "too_early", "dependencies_open"})
_BY_STATUS: Dict[int, Type[AgentOpsError]] = {
    400: InvalidInputError,
    401: DeniedError,
    403: DeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidInputError,
    415: InvalidInputError,
    422: InvalidInputError,
    408: UnavailableError,
    429: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
    507: UnavailableError,
}


def from_response(status: int, headers: Mapping[str, str], body: Union[bytes, bytearray, None]) -> AgentOpsError:
    """Makes the error that a response with an error status stands for."""
    problem = _problem(body)
    code = str(problem.get("code") or f"http_{status}")
    message = str(problem.get("detail") or f"the answer was {status}, and not one of a Hearth node")
    request_id = problem.get("request_id")
    kind = _BY_STATUS.get(status, AgentOpsError)
    if code in _WRONG_STATE:
        kind = WrongStateError
    error = kind(message, code=code, status=status, request_id=request_id)
    if isinstance(error, InvalidInputError):
        error.field = problem.get("field")
        error.evidence = problem.get("evidence") or []
        error.failures = problem.get("failures")
        error.is_blocked = bool(problem.get("blocked"))
    if isinstance(error, UnavailableError):
        error.retry_after = _seconds(headers.get("Retry-After"))
    return error


def _problem(body: Union[bytes, bytearray, None]) -> Dict[str, Any]:
    try:
        problem: Any = json.loads(body or b"{}")
    except ValueError:
        # Not from the node but from something before it, such as a proxy.
        return {}
    return cast(Dict[str, Any], problem) if isinstance(problem, dict) else {}


def _seconds(text: Optional[str]) -> Optional[float]:
    text = (text or "").strip()
    return float(text) if text.isdecimal() else None
