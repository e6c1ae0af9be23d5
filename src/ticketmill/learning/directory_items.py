"""Items of learning in a folder of this machine, for `--store DIR`: one SQLite database.

A prediction writes an item for each document: one transaction writes thousands of them in the time that some
files would take.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ITEMS_FILE = "items.sqlite"
WAIT_S = 60.0
"""How long a process waits for the one that writes."""

_TABLE = (
    "CREATE TABLE IF NOT EXISTS items (partition TEXT, position TEXT, body TEXT NOT NULL, "
    "PRIMARY KEY (partition, position)) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class DirectoryLearningItems:
    """The items of a folder. Of all processes one at a time writes; one that dies has written nothing."""

    folder: Path

    def get(self, partition: str, position: str) -> str | None:
        """The item; None where there is none."""
        with self._reading() as database:
            return _body(database, partition, position)

    def latest(self, partition: str, limit: int | None = None) -> list[str]:
        """The items of a partition, the highest position first."""
        query = "SELECT body FROM items WHERE partition = ? ORDER BY position DESC LIMIT ?"
        with self._reading() as database:
            return [body for (body,) in database.execute(query, (partition, -1 if limit is None else limit))]

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
        """Writes an item in the place of `replaces`; without that, where there is none.

        False, and nothing written, where another item is there; True where this very one is.
        """
        with self._writing() as database:
            current = _body(database, partition, position)
            if current != replaces:
                return current == body
            _write(database, partition, {position: body})
        return True

    def overwrite(self, partition: str, bodies: Mapping[str, str]) -> None:
        """Writes many items, whatever was there: all of them or none."""
        with self._writing() as database:
            _write(database, partition, bodies)

    def delete(self, partition: str, position: str) -> None:
        """Deletes an item; one that is not there is no fault."""
        with self._writing() as database:
            database.execute("DELETE FROM items WHERE partition = ? AND position = ?", (partition, position))

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The database; an empty one in memory where nothing is written yet. OSError where it fails."""
        path = self.folder / ITEMS_FILE
        try:
            with closing(sqlite3.connect(path if path.exists() else ":memory:", WAIT_S)) as database:
                database.execute(_TABLE)
                yield database
        except sqlite3.Error as error:
            raise OSError(errno.EIO, f"SQLite: {error}", str(path)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The database while no other process writes; what is written stays where the block ends well."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ITEMS_FILE).touch()
        with self._reading() as database, database:
            database.execute("PRAGMA secure_delete = ON")  # what is deleted leaves the disk, too
            database.execute("BEGIN IMMEDIATE")
            yield database


def _body(database: sqlite3.Connection, partition: str, position: str) -> str | None:
    query = "SELECT body FROM items WHERE partition = ? AND position = ?"
    found = database.execute(query, (partition, position)).fetchone()
    return None if found is None else str(found[0])


def _write(database: sqlite3.Connection, partition: str, bodies: Mapping[str, str]) -> None:
    rows = ((partition, position, body) for position, body in bodies.items())
    database.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", rows)
