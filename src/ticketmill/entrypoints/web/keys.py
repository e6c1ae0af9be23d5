"""API keys: a file of their hashes. A key itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import utc_text
from ticketmill.entrypoints.web.caller import Caller, Scope, scopes_of

KEY_PREFIX = "tm_"
KEY_BYTES = 32
CHECKED_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the file holds of a key.

    The hash is a plain SHA-256: a key has 256 random bits, so that no slow hash is needed against guessing.
    """

    name: str
    sha256: str
    scopes: frozenset[Scope]
    created_at: str


def hash_of(key: str) -> str:
    """The hash that the file holds in the place of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_keys(file: Path) -> list[ApiKey]:
    """The keys of a file; none where there is no file. SetupError where it is none of ours."""
    try:
        document: Any = json.loads(file.read_bytes())
        return [
            ApiKey(str(each["name"]), str(each["sha256"]), scopes_of(each["scopes"]), str(each["created_at"]))
            for each in document["keys"]
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SetupError(f"TICKETMILL_API_KEYS_FILE: {file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        raise SetupError(
            f"TICKETMILL_API_KEYS_FILE: {file} is no file of keys: make one by `ticketmill keys new NAME`"
        ) from None


def write_keys(file: Path, keys: Iterable[ApiKey]) -> None:
    """Writes the file anew, for its owner alone."""
    document = {
        "keys": [
            {
                "name": each.name,
                "sha256": each.sha256,
                "scopes": sorted(each.scopes),
                "created_at": each.created_at,
            }
            for each in keys
        ]
    }
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(document, stream, indent=2)
        stream.write("\n")
    beside.replace(file)


def add_key(file: Path, name: str, scopes: Iterable[Scope], now: datetime) -> str:
    """Adds a key and gives it. SetupError where the name is taken."""
    known = read_keys(file)
    if any(each.name == name for each in known):
        raise SetupError(
            f"{file} has a key {name}: choose another name, or delete it: ticketmill keys delete {name}"
        )
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    write_keys(file, [*known, ApiKey(name, hash_of(key), frozenset(scopes), utc_text(now))])
    return key


def delete_key(file: Path, name: str) -> bool:
    """Deletes a key; whether there was one."""
    known = read_keys(file)
    kept = [each for each in known if each.name != name]
    if len(kept) < len(known):
        write_keys(file, kept)
    return len(kept) < len(known)


class KeyRing:
    """The keys of a file. It is read again when it has changed: a deleted key is refused within seconds."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._checked_at = clock()
        self._version = self._version_now()
        self._callers = self._read()

    def caller(self, key: str) -> Caller | None:
        """Whose key it is."""
        self._refresh()
        return self._callers.get(hash_of(key))

    def _refresh(self) -> None:
        if self._clock() - self._checked_at < CHECKED_EVERY_S:
            return
        self._checked_at = self._clock()
        version = self._version_now()
        if version != self._version:
            self._callers = self._read()
            self._version = version

    def _read(self) -> dict[str, Caller]:
        keys = read_keys(self._file)
        if not keys:
            raise SetupError(
                f"TICKETMILL_API_KEYS_FILE: {self._file} has no keys: make one by `ticketmill keys new NAME`"
            )
        return {each.sha256: Caller(each.name, each.scopes) for each in keys}

    def _version_now(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
