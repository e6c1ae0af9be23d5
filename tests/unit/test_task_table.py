"""The table of the tasks, held against the records, the composition root and itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from ticketmill.bootstrap.enricher import Parts, served_by_onepass
from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.facets import facet_names
from ticketmill.domain.row import TicketRow
from ticketmill.settings import load_settings
from ticketmill.tasks.table import TASKS
from ticketmill.tasks.task import Task

COLUMNS = [column.name for task in TASKS for column in task.columns]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_a_field_of_the_enrichment(task: Task[Any]) -> None:
    assert task.name in Enrichment.model_fields


def test_every_prediction_of_the_enrichment_has_a_task() -> None:
    envelope = {
        "automatic",
        "custom",
        "margins",
        "automatic_kind",
        "own_text",
        "text_characters",
        "tokens",
        "truncated",
        "windows",
        "needs_review",
        "review_reasons",
        "status",
        "failed_stages",
        "fallbacks",
        "fingerprint",
        "models",
        "processed_at",
        "latency_ms",
        "schema_version",
        "serving_serial",
        "rollout_serial",
        "arms",
    }
    assert Enrichment.model_fields.keys() - envelope == {task.name for task in TASKS}


def test_every_column_is_an_attribute_of_the_row_and_of_one_task() -> None:
    assert set(COLUMNS) <= TicketRow.model_fields.keys()
    assert not [name for name, count in Counter(COLUMNS).items() if count > 1]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_what_is_filtered_counted_and_asked_for_is_kept_on_the_row(task: Task[Any]) -> None:
    own = {column.name for column in task.columns}
    assert {task.label, task.confidence} - {None} <= own
    assert task.label is not None or not task.is_correctable
    assert task.label is None or task.label in facet_names(TicketRow)


def test_the_composition_root_serves_exactly_the_tasks_of_the_table() -> None:
    spec = SimpleNamespace(labels=("a", "b"), review_below=0.5)
    head = SimpleNamespace(spec=spec)
    heads: Any = SimpleNamespace(tasks=dict.fromkeys(("intent", "urgency", "sentiment"), head))
    prototypes: Any = {"intent": SimpleNamespace(taxonomy=SimpleNamespace(names=("a", "b")))}
    nothing: Any = None
    parts = Parts(heads, prototypes, nothing, nothing, nothing)
    assert served_by_onepass(load_settings(), parts, 384).keys() == {task.name for task in TASKS}


def test_the_table_can_be_read_without_loading_a_model_or_a_record() -> None:
    code = "import json, sys, ticketmill.tasks.table; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout)) & {"numpy", "pydantic", "onnxruntime", "boto3"}
