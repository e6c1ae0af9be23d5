"""Celery delivers jobs: `celery -A ticketmill.entrypoints.celery worker`, or `ticketmill jobs worker`.

`app` is made when it is asked for, from the settings: nothing connects at import.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    from ticketmill.entrypoints.celery.app import make_worker_app
    from ticketmill.settings import load_settings

    return make_worker_app(load_settings())
