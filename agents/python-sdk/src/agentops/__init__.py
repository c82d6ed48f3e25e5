"""The AgentOps client: how an agent written in Python works for a Hearth node.

Read ``client`` first, then ``subscription`` (events without gap or repeat), ``claims`` and
``keeper`` (fences and leases), ``errors``, and ``transport`` (one request, and when it is sent again).
"""

from .client import AgentOpsClient
from .errors import (
    AgentOpsError,
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from .events import Event
from .keeper import ClaimKeeper
from .subscription import Subscription
from .transport import JsonObject

__all__ = [
    "AgentOpsClient",
    "AgentOpsError",
    "ClaimKeeper",
    "ConflictError",
    "DeniedError",
    "Event",
    "InvalidInputError",
    "JsonObject",
    "NotFoundError",
    "Subscription",
    "UnavailableError",
    "WrongStateError",
]
__version__ = "0.1.0"
