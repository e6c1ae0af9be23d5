"""`ticketmill drop`: tickets into the raw bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, progress

DROP_CHUNK = 256

Item = TypeVar("Item")


def drop(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, or JSON lines (.jsonl, .ndjson).")],
    as_json: AsJson = False,
) -> None:
    """Put tickets into the raw bucket, as they are: what is wrong with them, the pipeline says."""
    from ticketmill import bootstrap
    from ticketmill.importers.files import find_files, key_of, read_file
    from ticketmill.settings import load_settings

    settings = load_settings()
    files = find_files(paths)
    place = bootstrap.connect(settings)
    dropped = 0
    documents = chain.from_iterable(map(read_file, files))
    with progress("dropped") as advance, ThreadPoolExecutor(settings.io_threads) as executor:
        for chunk in _chunks(documents, DROP_CHUNK):
            puts = [executor.submit(place.raw_tickets.put, key_of(each), each.content) for each in chunk]
            for put in puts:
                put.result()
                advance()
            dropped += len(puts)
    if as_json:
        answer_json({"dropped": dropped, "bucket": place.stack.raw_bucket})
    else:
        answer(f"dropped {dropped} tickets into s3://{place.stack.raw_bucket}/tickets/")


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk
