"""What share of the bare encoder's speed is left of the whole enrichment, on the shipped tickets, in one run.

    python tests/benchmarks/enrich.py [--json] [--tickets N] [--threads N]

Alternates, slice by slice: (a) only the session, on the micro-batches made before, one core each; (b)
that of the encoder without its branch; (c) the session's batches one after another, each on all cores,
as onnxruntime does by itself; (d) Encoder.encode; (e) the whole enrichment from JSON to JSON lines, as
`ticketmill enrich` does it, without the cache; and, where it is installed, (f) sentence-transformers
with its model at --model, 32 texts a batch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import onnxruntime

from ticketmill.batching import side_by_side
from ticketmill.bootstrap.bulk import follow_bundle, make_documents
from ticketmill.encoder.build.builder import SHIPPED_RECIPE, build_bundle
from ticketmill.encoder.bundle import ENCODER, load_bundle
from ticketmill.encoder.encoder import SLOW_FUSIONS, Encoder, TokenBatch
from ticketmill.entrypoints.cli.enrich import ENRICH_CHUNK, ENRICH_THREADS, enriched
from ticketmill.importers.files import Document
from ticketmill.learning.corpus import PLAIN_TICKETS, LabelledTicket, read_corpus
from ticketmill.settings import load_settings

SLICE = 256


def naive(model: str) -> Callable[[list[str]], object] | None:
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError:
        return None
    loaded = SentenceTransformer(model, device="cpu")
    return lambda texts: loaded.encode(texts, batch_size=32)


def one_session(path: Path, threads: int) -> Callable[[list[TokenBatch]], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
    )
    names = [output.name for output in session.get_outputs()]
    return lambda batches: [
        session.run(names, {"input_ids": ids, "attention_mask": mask}) for ids, mask in batches
    ]


def plain_encoder(cache_dir: Path) -> Path:
    """The bundle of the encoder without its branch; built at the first time."""
    recipe = replace(SHIPPED_RECIPE, branch=None)
    report = partial(print, file=sys.stderr)
    return build_bundle(cache_dir / "without-branch", extra_files={}, recipe=recipe, report=report).directory


def document(ticket: LabelledTicket) -> Document:
    raw = {"ticket_id": ticket.id, "subject": ticket.subject, "body": ticket.body}
    return Document(json.dumps(raw).encode(), ticket.id)


def measure(count: int, threads: int, model: str) -> dict[str, list[float]]:
    settings = load_settings(threads=threads, encode_cache_bytes=0)
    bundle = load_bundle(settings.bundle_dir)
    encoder, one_after_another = Encoder(bundle, threads), one_session(bundle.path(ENCODER), threads)
    without_branch = Encoder(load_bundle(plain_encoder(settings.cache_dir)), threads)
    documents_enricher = make_documents(settings, follow_bundle(settings))
    enricher = documents_enricher.enricher
    reference = naive(model)
    work = partial(enriched, documents_enricher)
    tickets = read_corpus(PLAIN_TICKETS)[:count]
    seconds: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        seconds.setdefault(name, []).append(time.perf_counter() - started)

    encoder.encode([tickets[0].text])
    enricher.served["language"].stage([])
    for start in range(0, len(tickets), SLICE):
        part = tickets[start : start + SLICE]
        texts = [each.text for each in part]
        chunks = [part[first : first + ENRICH_CHUNK] for first in range(0, len(part), ENRICH_CHUNK)]
        batches = [
            batch for chunk in chunks for batch in encoder.token_batches([each.text for each in chunk])
        ]
        documents = [list(map(document, chunk)) for chunk in chunks]

        timed("session", lambda batches=batches: deque(encoder.encode_batches(batches), maxlen=0))
        timed(
            "session, without branch",
            lambda batches=batches: deque(without_branch.encode_batches(batches), maxlen=0),
        )
        timed("session, one after another", lambda batches=batches: one_after_another(batches))
        timed("encode", lambda texts=texts: encoder.encode(texts))
        timed("enrich", lambda documents=documents: list(side_by_side(documents, work, ENRICH_THREADS)))
        if reference is not None:
            timed("sentence_transformers", lambda texts=texts: reference(texts))
    return seconds


def _ratio(reference: list[float], took: list[float]) -> float:
    # slice by slice: what disturbs one disturbs few
    return round(median(a / b for a, b in zip(reference, took, strict=True)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tickets", type=int, default=1680)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    seconds = measure(arguments.tickets, arguments.threads, arguments.model)
    rows = [
        {
            "what": name,
            "tickets_per_s": round(arguments.tickets / sum(took), 1),
            "of_session": _ratio(seconds["session"], took),
            "of_session_without_branch": _ratio(seconds["session, without branch"], took),
        }
        for name, took in seconds.items()
    ]
    if arguments.json:
        print(json.dumps(rows))
        return
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(str(value) for value in row.values()))


if __name__ == "__main__":
    main()
