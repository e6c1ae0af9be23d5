"""Makes pages of templates. No page runs a script or a style that is not a file of ours."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ticketmill.entrypoints.web.page.labels import words
from ticketmill.entrypoints.web.page.listing import age
from ticketmill.entrypoints.web.page.query import ticket_address
from ticketmill.entrypoints.web.page.visible import plain, visible
from ticketmill.learning.svg import RULES

HERE = Path(__file__).parent
STATIC = HERE / "static"
PLOT_STYLE = "plot.css"
FOREVER = "public, max-age=31536000, immutable"


@cache
def static_files() -> Mapping[str, bytes]:
    """The scripts and styles, by their names."""
    files = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file()}
    return {**files, PLOT_STYLE: RULES.encode()}


@cache
def static_address(name: str) -> str:
    """The address of a file. It names the content, so that browsers keep it until it changes."""
    digest = hashlib.blake2b(static_files()[name], digest_size=6).hexdigest()
    return f"/static/{name}?v={digest}"


def static_response(name: str) -> Response | None:
    """The answer with a file; None where there is no such file."""
    content = static_files().get(name)
    if content is None:
        return None
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    return Response(content, media_type=kind, headers={"Cache-Control": FOREVER})


@cache
def environment() -> Environment:
    """The templates, with escaping on."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(visible=visible, plain=plain, words=words)
    made.globals.update(static=static_address, age=age, ticket_address=ticket_address)
    return made


def is_fragment(request: Request) -> bool:
    """Whether the page's own script asks for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def render(name: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """The page or fragment of a template."""
    html = environment().get_template(name).render(values)
    return Response(html, status, media_type="text/html")
