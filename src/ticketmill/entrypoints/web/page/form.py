"""What a form of the page sends."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=64)


Form = Annotated[FormData, Depends(_form)]
"""The form, as an argument of a route."""


def text_of(form: FormData, name: str) -> str:
    """A field; empty where the form has none of that name."""
    return str(form.get(name, "")).strip()
