"""The standard streams and the proxy variables, made fit for any environment before a command runs."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO
from urllib.parse import urlsplit

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
    """Requests to this machine never go to a proxy: names it in NO_PROXY where a proxy is set.

    Returns the variables that do so, for a shell that needs them as well.
    """
    set_ones = {name.lower() for name, value in os.environ.items() if value}
    if not any(name.endswith("_proxy") for name in set_ones - {"no_proxy"}):
        return {}
    from urllib.request import proxy_bypass

    names = [*LOOPBACK_NAMES, *_loopback_endpoints()]
    missing = [name for name in dict.fromkeys(names) if not proxy_bypass(name)]
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = ",".join(filter(None, (known, *missing)))
    # some libraries read one spelling, some the other
    variables = {"NO_PROXY": value, "no_proxy": value}
    os.environ.update(variables)
    return variables


def _loopback_endpoints() -> list[str]:
    urls = [url for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")]
    hosts = []
    for url in urls:
        with suppress(ValueError):  # no address: whoever uses it says so
            hosts.append(urlsplit(url).hostname or "")
    return [host for host in hosts if is_loopback(host)]
