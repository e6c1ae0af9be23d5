"""Secrets by the names that rules give."""

from __future__ import annotations

from collections.abc import Mapping

from ticketmill.domain.errors import SetupError

Secrets = Mapping[str, str]


def secret_of(secrets: Secrets, name: str) -> str:
    """The value of a variable. SetupError where it has none."""
    value = secrets.get(name, "").strip()
    if not value:
        raise SetupError(f"{name} is not set: a rule takes a secret from it")
    return value
