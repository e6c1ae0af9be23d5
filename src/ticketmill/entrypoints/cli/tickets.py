"""`ticketmill drop`: tickets into the raw bucket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from ticketmill.batching import grouped
from ticketmill.entrypoints.cli.output import AsJson, answer, answer_json, counted, progress, say

DROP_CHUNK = 256
DROP_CHUNK_BYTES = 16 << 20


def drop(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, or JSON lines (.jsonl, .ndjson).")],
    as_json: AsJson = False,
) -> None:
    """Put tickets into the raw bucket, as they are: what is wrong with them, the pipeline says."""
    from ticketmill import bootstrap
    from ticketmill.importers.files import count_tickets, find_files, latest_by_key, read_file
    from ticketmill.settings import load_settings

    settings = load_settings()
    files = find_files(paths)
    adapters = bootstrap.connect(settings)
    put = adapters.raw_tickets.put
    read, keys = 0, set[int]()  # hashes, for there may be millions
    documents = chain.from_iterable(map(read_file, files))
    with (
        progress("dropped", total=sum(map(count_tickets, files))) as advance,
        ThreadPoolExecutor(settings.io_threads) as executor,
    ):
        # one after the other, and each key once in each: of several documents for one key the last one stays
        for chunk in grouped(documents, lambda each: len(each.content), DROP_CHUNK_BYTES, DROP_CHUNK):
            latest = latest_by_key(chunk)
            for done in [executor.submit(put, key, each.content) for key, each in latest.items()]:
                done.result()
                advance()
            advance(len(chunk) - len(latest))
            read += len(chunk)
            keys.update(map(hash, latest))
    dropped, replaced = len(keys), read - len(keys)
    if as_json:
        answer_json({"dropped": dropped, "replaced": replaced, "bucket": adapters.stack.raw_bucket})
        return
    answer(f"dropped {counted(dropped, 'ticket')} into s3://{adapters.stack.raw_bucket}/tickets/")
    if replaced:
        say(f"{counted(replaced, 'document')} gave way to a later one of the same id")
