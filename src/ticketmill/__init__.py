"""ticketmill: raw support tickets in S3 become enriched ones, from one run of the encoder."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketmill.api import Ticketmill as Ticketmill
    from ticketmill.api import load as load

__all__ = ["Ticketmill", "load"]


def __getattr__(name: str) -> Any:
    """Imports the API when it is first used, so that `import ticketmill` stays light."""
    if name in __all__:
        from ticketmill import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
