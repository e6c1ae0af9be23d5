"""Imports run one way: domain ← text ← encoder ← models ← tasks ← pipeline ← worker, see LAYERS."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ticketmill

PACKAGE = Path(ticketmill.__file__).parent
FILES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]

LAYERS = ("domain", "text", "encoder", "models", "tasks", "pipeline", "worker")
"""Each may import what stands before it."""
LEAVES = {
    "arrays",
    "batching",
    "bisection",
    "circuit_breaker",
    "indexed_ticket",
    "periodic",
    "settings",
    "settings_learning",
    "settings_search",
}
ROOMS = {*LAYERS, "learning", "queries", "operations", "bulk", "importers", "targets", "aws", "deploy"}
ROOMS |= {"telemetry"}
MAY_IMPORT = {
    **{layer: {*LAYERS[: number + 1], *LEAVES} for number, layer in enumerate(LAYERS)},
    **{leaf: {"domain", *LEAVES} for leaf in LEAVES},
    "domain": {"domain"},
    "learning": {"domain", "text", "encoder", "models", "tasks", "learning", *LEAVES},
    "queries": {"domain", "tasks", "queries", *LEAVES},
    "operations": {"domain", "pipeline", "queries", "operations", *LEAVES},
    "bulk": {"domain", "tasks", "pipeline", "importers", "bulk", *LEAVES},
    "importers": {"domain", "importers"},
    "targets": {"domain", "targets"},
    "aws": {"domain", "aws", *LEAVES},
    "deploy": {"domain", "aws", "deploy"},
    "telemetry": {"domain", "models", "pipeline", "worker", "telemetry", *LEAVES},
    "bootstrap": {*ROOMS, *LEAVES, "bootstrap"},
    "entrypoints": {*ROOMS, *LEAVES, "bootstrap", "entrypoints"},
    "api": {"bootstrap", "bulk", "domain", "pipeline", "settings"},
    "__init__": {"api"},
    "__main__": {"entrypoints"},
}

EXTRAS = {"torch", "transformers", "sentence_transformers", "sklearn", "onnx", "safetensors"}
EXTRAS |= {"fastapi", "starlette", "uvicorn", "jinja2", "mangum"}
EXTRAS |= {"lancedb", "pyarrow", "ray"}
EXTRAS |= {"huggingface_hub", "matplotlib", "rouge_score", "sumy", "phonenumbers"}
NEEDS_EXTRAS = (
    "learning/",
    "aws/lance_index.py",
    "aws/lance_table.py",
    "bulk/on_ray.py",
    "bulk/tables.py",
    "bootstrap/fine_tuning.py",
    "bootstrap/named_models.py",
    "encoder/build/",
    "entrypoints/web/",
    "models/build/",
    "models/transformers/",
    "text/entities/numbering_plans.py",
    "text/entities/product_list.py",
)
WORKER_LEARNING = tuple(
    f"learning/{name}.py"
    for name in ("directory", "job_records", "model_files", "ports", "records", "registry", "store")
)
"""What of `learning` the worker needs: the registry that it loads versions from."""
RUNTIME_FILES = [file for file in FILES if not file.startswith(NEEDS_EXTRAS) or file in WORKER_LEARNING]


def modules_of(source: str, package: str) -> Iterator[str]:
    """The dotted names that a file of `package` imports, at any level and under any condition."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (above, node.module)))
            yield from (f"{base}.{name.name}" for name in node.names)


@cache
def imported_by(file: str) -> set[str]:
    package = ".".join(("ticketmill", *Path(file).parts[:-1]))
    return set(modules_of((PACKAGE / file).read_text(encoding="utf-8"), package))


def roots_of(file: str) -> set[str]:
    """The top-level packages that a file imports."""
    return {module.split(".")[0] for module in imported_by(file)}


def part_of(file: str) -> str:
    return Path(file).parts[0].removesuffix(".py")


def name_of(file: str) -> str:
    return ".".join(("ticketmill", *Path(file).with_suffix("").parts)).removesuffix(".__init__")


def loaded_after_importing(*modules: str) -> set[str]:
    code = f"import json, sys, {', '.join(modules)}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_imports_are_found_wherever_and_however_they_are_written() -> None:
    source = """
import os.path as p, numpy
from ticketmill import bootstrap
from ticketmill.domain.labels import Urgency
from . import near
from .near import thing
from .. import aws
from ..aws.s3 import x
if TYPE_CHECKING:
    import torch
def late():
    try:
        from onnx import helper
    except ImportError: pass
"""
    assert set(modules_of(source, "ticketmill.text")) == {
        "os.path",
        "numpy",
        "ticketmill.bootstrap",
        "ticketmill.domain.labels.Urgency",
        "ticketmill.text.near",
        "ticketmill.text.near.thing",
        "ticketmill.aws",
        "ticketmill.aws.s3.x",
        "torch",
        "onnx.helper",
    }


def test_every_part_of_the_house_is_known() -> None:
    assert {part_of(file) for file in FILES} == set(MAY_IMPORT)


def test_the_page_says_the_same() -> None:
    page = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = set(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE))
    assert folders == {*ROOMS, "bootstrap", "entrypoints"}
    (block,) = re.findall(r"^```\n(domain ← .*?)^```", page, re.MULTILINE | re.DOTALL)
    layers, *rules = block.splitlines()
    assert tuple(layers.split(" ← ")) == LAYERS
    said = dict(rule.split(" → ") for rule in rules)
    everything = ", ".join(sorted(ROOMS))
    allowed = {room: said[room].replace("all above but api", everything).split(", ") for room in said}
    assert {room: set(names) for room, names in allowed.items()} == {
        room: MAY_IMPORT[room] - LEAVES - {room}
        for room in (*ROOMS - {*LAYERS}, "api", "bootstrap", "entrypoints")
    }


def test_imports_run_one_way() -> None:
    ours = {
        (file, module.split(".")[1])
        for file in FILES
        for module in imported_by(file)
        if module.startswith("ticketmill.")
    }
    assert {(file, part) for file, part in ours if part not in MAY_IMPORT[part_of(file)]} == set()


def test_the_domain_needs_pydantic_and_the_standard_library_alone() -> None:
    roots = {(file, root) for file in FILES if part_of(file) == "domain" for root in roots_of(file)}
    allowed = {*sys.stdlib_module_names, "pydantic", "ticketmill"}
    assert {(file, root) for file, root in roots if root not in allowed} == set()


def test_the_runtime_imports_no_package_of_an_extra() -> None:
    assert {(file, root) for file in RUNTIME_FILES for root in roots_of(file) & EXTRAS} == set()


def test_the_runtime_loads_no_package_of_an_extra() -> None:
    loaded = loaded_after_importing(*(name_of(file) for file in RUNTIME_FILES))
    assert {"ticketmill.encoder.encoder", "ticketmill.aws.sqs", "onnxruntime"} <= loaded
    assert not loaded & EXTRAS


def test_the_command_line_loads_nothing_heavy_before_a_command_runs() -> None:
    loaded = loaded_after_importing("ticketmill.entrypoints.cli")
    assert "ticketmill.entrypoints.cli.tickets" in loaded
    heavy = {"boto3", "botocore", "numpy", "onnxruntime", "pydantic", "rich", "importlib.metadata"}
    assert not loaded & (heavy | {"aws_lambda_powertools", "prometheus_client"})
