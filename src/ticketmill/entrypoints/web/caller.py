"""Who calls, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from ticketmill.entrypoints.web.problems import Problem

LOCAL_PERSON = "local"


class Scope(StrEnum):
    """What a key allows."""

    READ = "read"
    """Lists, tickets, counts and events."""
    WRITE = "write"
    """Putting tickets in, and enriching without storing."""
    CORRECT = "correct"
    """Changing labels."""
    ADMIN = "admin"
    """The state of models and queues, and deciding which learned model serves."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from. `name` stands on corrections and in the log."""

    name: str
    scopes: frozenset[Scope]

    @classmethod
    def local(cls) -> Caller:
        """Whoever uses this machine, where the server listens on loopback without keys."""
        return cls(LOCAL_PERSON, frozenset(Scope))


def scopes_of(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes of their names. ValueError for one that is none."""
    return frozenset(Scope(word) for word in words)


# dependencies are coroutines: a function would cost a thread each
_bearer = HTTPBearer(auto_error=False, description="A key of `ticketmill keys new`. Loopback needs none.")


def _allow(request: Request, scope: Scope) -> None:
    caller: Caller = request.state.caller
    if scope not in caller.scopes:
        raise Problem(
            403,
            "scope_missing",
            f"the key may not {scope}",
            f"use a key with the scope {scope}: ticketmill keys new NAME --scope {scope}",
        )


async def _may_read(request: Request) -> None:
    _allow(request, Scope.READ)


async def _may_write(request: Request) -> None:
    _allow(request, Scope.WRITE)


async def _may_correct(request: Request) -> None:
    _allow(request, Scope.CORRECT)


async def _may_administer(request: Request) -> None:
    _allow(request, Scope.ADMIN)


async def _may_use_page(request: Request) -> None:
    _allow(request, Scope.READ if request.method in ("GET", "HEAD") else Scope.CORRECT)


KEY = Security(_bearer)
MAY_READ = [Depends(_may_read), KEY]
MAY_WRITE = [Depends(_may_write), KEY]
MAY_CORRECT = [Depends(_may_correct), KEY]
MAY_ADMINISTER = [Depends(_may_administer), KEY]
MAY_USE_PAGE = [Depends(_may_use_page)]
"""Dependencies of a route: who may use it."""


async def _person(request: Request) -> str:
    return str(request.state.person)


Person = Annotated[str, Depends(_person)]
"""The name of whoever calls."""
