"""Builds the store of learning: that of a stack, or that of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters, connect
from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.learning.store import LearningStore


def open_learning_store(settings: Settings, folder: Path | None = None) -> LearningStore:
    """The store in `folder`, without AWS; without a folder that of the stack. SetupError where it is not
    there."""
    if folder is None:
        return learning_store_of(settings, connect(settings))
    from ticketmill.learning.store import directory_store

    if folder.exists() and not folder.is_dir():
        raise SetupError(f"{folder} is a file: name a folder by --store")
    return directory_store(folder)


def learning_store_of(settings: Settings, adapters: Adapters) -> LearningStore:
    """The store of a stack. SetupError where the stack has no learning table yet."""
    if adapters.learning is None:
        raise SetupError(
            f"stack {settings.stack} has no learning table: run `ticketmill up` (on AWS `ticketmill "
            "deploy`), or set TICKETMILL_LEARNING_TABLE where TICKETMILL_TABLE names the other one"
        )
    return adapters.learning


def encoder_here(settings: Settings) -> str | None:
    """The fingerprint of this machine's bundle, whose encoder versions must fit; None where there is none."""
    from ticketmill.encoder.bundle import read_manifest

    if not settings.bundle_dir.exists():
        return None
    return read_manifest(settings.bundle_dir).fingerprint
