"""ticketmill: raw support tickets in S3 become enriched ones, from one run of the encoder."""

import os
from typing import TYPE_CHECKING, Any

# onnxruntime and the hub's client send usage data by default, and read these variables when they are first
# imported. No part of ticketmill is imported before this file, so nothing can be sent. A user who sets a
# variable keeps it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from ticketmill.api import Ticketmill as Ticketmill
    from ticketmill.api import TicketmillEnricher as TicketmillEnricher
    from ticketmill.api import load as load

__all__ = ["Ticketmill", "TicketmillEnricher", "load"]


def __getattr__(name: str) -> Any:
    """Imports the API when it is first used, so that `import ticketmill` stays light."""
    if name in __all__:
        from ticketmill import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
