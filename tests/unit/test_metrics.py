"""What Prometheus and CloudWatch are told of a worker."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from fakes import announce
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ticketmill.domain.feature_cache import CacheStatus
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.telemetry.emf import EmfLines, EmfReporter
from ticketmill.telemetry.feature_cache_metrics import FeatureCacheMetrics
from ticketmill.telemetry.metrics import DependencyMetrics, Metrics, ModelMetrics, Watched
from ticketmill.worker.dependencies import Dependencies


def outcome(result: Result, tokens: int | None = None, **stage_ms: float) -> Outcome:
    return Outcome(announce("tickets/T1.json"), result, "T1", stage_ms=stage_ms, tokens=tokens)


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.scrape().decode())
        for sample in family.samples
    }


def test_a_scrape_has_what_became_of_every_upload_and_what_it_took() -> None:
    metrics = Metrics()
    metrics.batch_done(
        [
            outcome(Result.ENRICHED, tokens=30, fetch=2, encode=20),
            outcome(Result.ENRICHED, tokens=12, fetch=600),
            outcome(Result.FAILED),
        ]
    )
    metrics.batch_done([outcome(Result.REJECTED)])
    found = samples(metrics)
    results = {
        key[1]: int(value) for key, value in found.items() if key[0] == "ticketmill_tickets_total" and value
    }
    assert results == {"enriched": 2, "failed": 1, "rejected": 1}
    assert found["ticketmill_tokens_total",] == 42
    assert (found["ticketmill_batch_tickets_count",], found["ticketmill_batch_tickets_sum",]) == (2, 4)
    assert found["ticketmill_stage_seconds_sum", "fetch"] == pytest.approx(0.602)
    assert found["ticketmill_stage_seconds_bucket", "0.0025", "fetch"] == 1
    assert found["ticketmill_stage_seconds_count", "encode"] == 1


def test_every_result_and_stage_has_its_series_from_the_start() -> None:
    found = samples(Metrics())
    assert all(found["ticketmill_tickets_total", result.value] == 0 for result in Result)
    stages = ("queue", "fetch", "encode", "heads", "store")
    assert all(found["ticketmill_stage_seconds_count", stage] == 0 for stage in stages)


def test_clocks_that_disagree_do_not_make_a_wait_negative() -> None:
    metrics = Metrics()
    metrics.batch_done([outcome(Result.ENRICHED, queue=-250)])
    assert samples(metrics)["ticketmill_stage_seconds_sum", "queue"] == 0


def test_what_is_watched_is_read_at_each_scrape() -> None:
    metrics = Metrics()
    values = iter([3.0, 5.0])
    metrics.watch("in_flight", lambda: next(values))
    metrics.watch("encode_cache_hits", lambda: 7)
    first, second = samples(metrics), samples(metrics)
    assert (first["ticketmill_in_flight",], second["ticketmill_in_flight",]) == (3, 5)
    assert first["ticketmill_encode_cache_hits_total",] == 7


def test_what_cannot_be_read_is_left_out_and_leaves_the_rest_standing() -> None:
    metrics = Metrics()
    metrics.watch("queue_depth", lambda: 1 / 0)
    metrics.watch("buffered", lambda: None)
    metrics.watch("in_flight", lambda: 3)
    found = samples(metrics)
    assert found["ticketmill_in_flight",] == 3
    assert not {("ticketmill_queue_depth",), ("ticketmill_buffered",)} & set(found)


class _Echo:
    resident_mb = 1.0

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        return items


def test_the_documentation_lists_every_metric_and_no_other() -> None:
    metrics = Metrics()
    for name in get_args(Watched):
        metrics.watch(name, lambda: 1)
    runner: ModelRunner[int, int] = ModelRunner("intent", "tiny", _Echo, 30, threading.Lock())
    runner.run([1])
    metrics.registry.register(ModelMetrics([runner]))
    metrics.registry.register(FeatureCacheMetrics(lambda: CacheStatus(hits=1)))
    metrics.registry.register(DependencyMetrics(Dependencies({}, first_pause_s=1, max_pause_s=1)))
    told = {
        family.name + ("_total" if family.type == "counter" else "") for family in metrics.registry.collect()
    }
    text = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(ticketmill_\w+)", text, re.MULTILINE)
    assert sorted(listed) == sorted(told)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def lines(metrics: Metrics) -> EmfLines:
    return EmfLines(metrics.registry, "ticketmill", io.StringIO())


def values_of(line: str) -> dict[str, Any]:
    return {name: value[0] for name, value in json.loads(line).items() if name not in ("_aws", "service")}


def test_a_line_for_cloudwatch_is_json_that_defines_every_metric_it_has(
    metrics: Metrics, lines: EmfLines
) -> None:
    metrics.batch_done([outcome(Result.ENRICHED, tokens=30, fetch=2)])
    line = lines.line()
    assert "\n" not in line
    blob = json.loads(line)
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ticketmill"
    assert directive["Dimensions"] == [["service"]]
    assert blob["service"] == "ticketmill"
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert set(units) == set(values_of(line))
    assert units["ticketmill_tickets_total_enriched"] == "Count"
    assert units["ticketmill_stage_seconds_fetch"] == "Seconds"


def test_a_line_for_cloudwatch_tells_what_happened_since_the_last_one(
    metrics: Metrics, lines: EmfLines
) -> None:
    metrics.watch("in_flight", lambda: 3)
    metrics.batch_done([outcome(Result.ENRICHED, fetch=10), outcome(Result.ENRICHED, fetch=30)])
    first = values_of(lines.line())
    metrics.batch_done([outcome(Result.ENRICHED, fetch=50)])
    second = values_of(lines.line())
    third = values_of(lines.line())
    told = [each["ticketmill_tickets_total_enriched"] for each in (first, second, third)]
    assert told == [2, 1, 0]
    assert first["ticketmill_stage_seconds_fetch"] == pytest.approx(0.02)
    assert second["ticketmill_stage_seconds_fetch"] == pytest.approx(0.05)
    assert "ticketmill_stage_seconds_fetch" not in third
    assert (first["ticketmill_in_flight"], third["ticketmill_in_flight"]) == (3, 3)


def test_lines_for_cloudwatch_come_regularly_and_once_more_at_the_end(metrics: Metrics) -> None:
    stream = io.StringIO()
    reporter = EmfReporter(metrics.registry, "ticketmill", stream, every_s=600)
    metrics.watch("received", lambda: 5)
    reporter.close()
    (line,) = stream.getvalue().splitlines()
    assert values_of(line)["ticketmill_received_total"] == 5


def test_what_is_cached_for_training_is_told_where_it_is_known() -> None:
    registry = CollectorRegistry()
    registry.register(FeatureCacheMetrics(lambda: CacheStatus(entries=40, megabytes=0.25, hits=3, misses=1)))
    text = generate_latest(registry).decode()
    assert "ticketmill_feature_cache_entries 40.0" in text
    assert "ticketmill_feature_cache_megabytes 0.25" in text
    assert "ticketmill_feature_cache_hit_ratio 0.75" in text
    nothing = CollectorRegistry()
    nothing.register(FeatureCacheMetrics(lambda: None))
    assert generate_latest(nothing) == b""
