"""The standard streams and the proxy variables, made fit for any environment before a command runs."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment

from ticketmill.deploy.endpoint import is_loopback

ESCAPES = "ticketmill.escapes"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


def prepare_streams() -> None:
    """Opens what is closed, and writes what the terminal's encoding lacks as the escapes of JSON."""
    codecs.register_error(ESCAPES, _escapes)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            # closed on purpose, as by a service manager; the descriptor must not become another file's
            with suppress(OSError):
                opened = os.open(os.devnull, os.O_WRONLY)
                if opened != descriptor:
                    os.dup2(opened, descriptor)
                    os.close(opened)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end
    for stream in (sys.stdout, sys.stderr):
        _escape_what_it_lacks(stream)


def _escape_what_it_lacks(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)  # a test's stream may have none
    if reconfigure is not None:
        reconfigure(errors=ESCAPES)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    r"""As in `\u00e9` and `\ud83d\ude00`: right inside JSON, and readable elsewhere."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    units = lacking.encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


def keep_loopback_off_proxies() -> dict[str, str]:
    """Requests to this machine never go to a proxy: sets NO_PROXY where a proxy would get them.

    The variables that were set, for a shell that needs them as well.
    """
    proxies = {scheme: url for scheme, url in getproxies_environment().items() if scheme != "no"}
    names = [*LOOPBACK_NAMES, *_loopback_endpoints()]
    missing = [name for name in dict.fromkeys(names) if not proxy_bypass_environment(name)]
    if not proxies or not missing:
        return {}
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = ",".join(filter(None, (known, *missing)))
    # some libraries read one spelling, some the other
    told = {"NO_PROXY": value, "no_proxy": value}
    os.environ.update(told)
    return told


def _loopback_endpoints() -> list[str]:
    hosts = (
        urlsplit(url).hostname or "" for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")
    )
    return [host for host in hosts if is_loopback(host)]
