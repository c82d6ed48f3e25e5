"""One request to the node: sent, sent again where that cannot do harm, and its answer read."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any, Dict, Mapping, Optional, cast
from urllib.parse import SplitResult, quote, urlsplit

import httpx

from .errors import AgentOpsError, InvalidInputError, UnavailableError, from_response

JsonObject = Dict[str, Any]

#: How often a request that may be repeated is sent at most.
ATTEMPTS = 4
#: The longest wait before it is sent again, in seconds. Who is told to wait longer is told so.
WAIT_MAX = 5.0
#: How long a connection may take to be made, in seconds.
CONNECT_WITHIN = 5.0
#: What waiting a moment does not mend: somebody has to.
_LASTING = frozenset({"no_sandbox", "no_room"})


class Transport:
    """The connections to one node, with one key."""

    def __init__(self, url: str, api_key: str, timeout: float) -> None:
        parts = _checked(url)
        self.base_url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.is_loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        self._authorization = f"Bearer {_checked_key(api_key)}"
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            headers={"Authorization": self._authorization},
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_WITHIN, timeout)),
            # A proxy of the environment is no way to this very machine, and would see the key.
            trust_env=not self.is_loopback,
        )

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def authorization(self) -> Dict[str, str]:
        """Returns the header that shows the key, for the stream of events."""
        return {"Authorization": self._authorization}

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def get(self, path: str, params: Optional[Mapping[str, Any]] = None) -> JsonObject:
        """Reads a path below ``/api/v1``."""
        return await self._repeated(self._client.build_request("GET", self._url(path), params=given(params or {})))

    async def send(
        self,
        method: str,
        path: str,
        body: JsonObject,
        *,
        idempotency_key: Optional[str] = None,
        version: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> JsonObject:
        """Sends a change. It is sent again only with an idempotency key.

        Raises TypeError or ValueError for what JSON cannot hold.
        """
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        request = self._client.build_request(
            method,
            self._url(path),
            content=json.dumps(body, allow_nan=False).encode(),
            headers=headers,
            timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else self._patient(timeout),
        )
        if idempotency_key is not None:
            return await self._repeated(request)
        return await self._once(request)

    async def upload(self, path: str, fields: Mapping[str, Any], content: bytes, media_type: str) -> JsonObject:
        """Sends bytes as a form, the file after every other part."""
        request = self._client.build_request(
            "POST",
            self._url(path),
            data={name: str(value) for name, value in given(fields).items()},
            files={"file": (None, content, media_type)},
        )
        return await self._once(request)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/api/v1{path}"

    def _patient(self, read: float) -> httpx.Timeout:
        return httpx.Timeout(self._timeout, connect=min(CONNECT_WITHIN, self._timeout), read=read)

    async def _repeated(self, request: httpx.Request) -> JsonObject:
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(request)
            except UnavailableError as error:
                wait = error.retry_after if error.retry_after is not None else backoff(attempt)
                if error.code in _LASTING or wait > WAIT_MAX:
                    raise
            await asyncio.sleep(wait)
        return await self._once(request)

    async def _once(self, request: httpx.Request) -> JsonObject:
        try:
            response = await self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            message = f"no node answers at {self.base_url}; is it running? ({type(error).__name__})"
            raise UnavailableError(message, code="unreachable") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            message = (
                f"no answer came from {self.base_url} ({type(error).__name__}); "
                "whether a change was made is not known"
            )
            raise UnavailableError(message, code="no_answer") from error
        if not response.is_success:
            raise from_response(response.status_code, response.headers, response.content)
        return _answer(response)


def backoff(attempt: int) -> float:
    """Returns how long to wait after so many failures, in seconds: longer each time, never the same."""
    return min(WAIT_MAX, 0.1 * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)


def given(fields: Mapping[str, Any]) -> JsonObject:
    """Returns the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def segment(field: str, value: object) -> str:
    """Returns a value as one part of a path."""
    text = str(value)
    if text in ("", ".", ".."):
        raise InvalidInputError(f"{field} must not be {text!r}", field=field)
    return quote(text, safe="")


def _answer(response: httpx.Response) -> JsonObject:
    if response.status_code == 204:
        return {}
    answer: Any = None
    try:
        answer = response.json()
    except ValueError:
        pass  # Told below, with whatever else is no object.
    if not isinstance(answer, dict):
        raise AgentOpsError(
            "the answer is no JSON object; is a Hearth node at this address?",
            code="not_understood",
            status=response.status_code,
        )
    return cast(JsonObject, answer)


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url must begin with http:// or https:// and name a host, such as http://127.0.0.1:4747")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url must hold no name or password; the key goes into api_key")
    if parts.query or parts.fragment:
        raise ValueError("url must end with its path, without ? and #")
    return parts


def _checked_key(api_key: str) -> str:
    key = api_key.strip()
    if not key or not all("!" <= letter <= "~" for letter in key):
        raise ValueError("api_key must be one word of visible ASCII characters; make one with: hearth keys create")
    return key
