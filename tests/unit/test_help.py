"""The command line from outside: what it says about itself, its exit codes, and what goes to which stream."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from commands import runner_here, runner_in_processes

from ticketmill.encoder.bundle import EncoderSection, FileEntry, fingerprint_of
from ticketmill.entrypoints.cli import command, run
from ticketmill.entrypoints.cli.output import EXIT_CODES

COMMANDS = {
    "up",
    "down",
    "status",
    "deploy",
    "drop",
    "work",
    "serve",
    "keys",
    "show",
    "list",
    "reindex",
    "stats",
    "enrich",
    "backfill",
    "dlq",
    "evaluate",
    "models",
    "taxonomy",
}
MODELS_COMMANDS = {"build", "status", "train", "calibrate"}


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def variables_of(cache_dir: Path, **more: str) -> dict[str, str]:
    """An environment without settings, AWS or a wide terminal."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(cache_dir),
        "TICKETMILL_CACHE_DIR": str(cache_dir),
        "COLUMNS": "120",
        **more,
    }


def ticketmill(
    cache_dir: Path, *arguments: str, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command in this process."""
    return runner_here(variables_of(cache_dir, **variables))(*arguments, code=code)


def ticketmill_process(
    cache_dir: Path, *arguments: str, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs the console script."""
    return runner_in_processes(variables_of(cache_dir, **variables))(*arguments, code=code)


def make_bundle(cache_dir: Path) -> str:
    """A bundle of one small file under `current`; returns its fingerprint."""
    content = b"heads"
    encoder = EncoderSection(
        name="tiny", dimensions=2, layers=1, max_tokens=8, max_windows=2, precision="fp32"
    )
    entry = FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    fingerprint = fingerprint_of(encoder, {"heads.npz": entry})
    directory = cache_dir / "bundles" / "current"
    directory.mkdir(parents=True)
    (directory / "heads.npz").write_bytes(content)
    manifest = {
        "format": 1,
        "encoder": encoder.model_dump(),
        "source": {"origin": "made by hand", "inputs": {}, "recipe": 1},
        "files": {"heads.npz": entry.model_dump()},
        "fingerprint": fingerprint,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return fingerprint


def words_of(text: str) -> set[str]:
    return set(text.split())


def test_help_lists_every_command_on_stdout(cache_dir: Path) -> None:
    done = ticketmill_process(cache_dir, "--help")
    assert done.stderr == ""
    registered = set(command().commands)
    assert registered >= COMMANDS
    assert registered <= words_of(done.stdout)
    told = " ".join(done.stdout.split())
    assert f"Exit codes: {', '.join(f'{code.value} {EXIT_CODES[code]}' for code in EXIT_CODES)}." in told


def test_help_on_models_lists_its_commands(cache_dir: Path) -> None:
    done = ticketmill(cache_dir, "models", "--help")
    assert words_of(done.stdout) >= MODELS_COMMANDS


def test_h_is_help_too_and_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-h"]) == 0
    short = capsys.readouterr().out
    assert run(["--help"]) == 0
    assert capsys.readouterr().out == short
    assert run(["show", "-h"]) == 0
    assert "ticketmill show TKT-001" in capsys.readouterr().out, "an example"
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ticketmill {version('ticketmill')}\n"


def test_a_shell_is_told_the_commands_that_complete_a_word(cache_dir: Path) -> None:
    done = ticketmill_process(
        cache_dir, _TICKETMILL_COMPLETE="complete_bash", COMP_WORDS="ticketmill tax", COMP_CWORD="1"
    )
    assert done.stdout.split() == ["taxonomy"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-such-option",),
        ("no-such-command",),
        ("models", "status", "--no-such-option"),
        ("list", "--urgency", "soon"),
        ("list", "--since", "yesterday"),
        ("show",),
        ("work", "--wait-s", "21"),
        ("work", "--metrics-port", "0"),
        ("evaluate", "--data", "tickets.jsonl", "--label", "colour"),
        ("evaluate", "--data", "tickets.jsonl", "--label", "sentiment", "--with", "rules"),
        ("evaluate", "--data", "tickets.jsonl", "--label", "topics", "--plots", "."),
    ],
)
def test_wrong_usage_exits_with_2_and_says_so_on_stderr(arguments: tuple[str, ...], cache_dir: Path) -> None:
    done = ticketmill(cache_dir, *arguments, code=2)
    assert done.stdout == ""
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (("models", "status"), {"TICKETMILL_THREADS": "0"}, "TICKETMILL_THREADS: "),
        (("models", "status"), {}, "no bundle at"),
        (("enrich", "missing.json"), {}, "missing.json does not exist"),
        (("enrich", "-"), {}, "no bundle at"),
        (("drop", "missing.json"), {}, "missing.json does not exist"),
        (("work",), {"TICKETMILL_WAIT_S": "21"}, "TICKETMILL_WAIT_S: "),
        (("work",), {"TICKETMILL_LOG_FORMAT": "xml"}, "TICKETMILL_LOG_FORMAT: "),
        (("taxonomy", "check", "missing.yaml"), {}, "missing.yaml cannot be read"),
        (("models", "build", "--topics", "missing.yaml"), {}, "missing.yaml cannot be read"),
        (("evaluate", "--data", "missing.jsonl", "--label", "intent"), {}, "missing.jsonl cannot be read"),
    ],
)
def test_what_is_not_ready_exits_with_3_and_one_line_on_stderr(
    arguments: tuple[str, ...], variables: dict[str, str], told: str, cache_dir: Path
) -> None:
    done = ticketmill(cache_dir, *arguments, code=3, **variables)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ticketmill: ")
    assert told in line


def test_an_answer_for_programs_is_one_line_of_json_on_stdout(cache_dir: Path) -> None:
    fingerprint = make_bundle(cache_dir)
    done = ticketmill(cache_dir, "models", "status", "--json")
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["fingerprint"] == fingerprint


def test_an_answer_for_people_is_on_stdout_too(cache_dir: Path) -> None:
    fingerprint = make_bundle(cache_dir)
    done = ticketmill(cache_dir, "models", "status")
    assert done.stderr == ""
    assert fingerprint in done.stdout
    assert "made by hand" in done.stdout


def test_status_names_the_instructions_of_the_processor(cache_dir: Path) -> None:
    make_bundle(cache_dir)
    known = {"avx2", "avx512", "vnni", "dotprod", "i8mm"}
    found = json.loads(ticketmill(cache_dir, "models", "status", "--json").stdout)["instructions"]
    assert set(found) <= known
    told = ticketmill(cache_dir, "models", "status").stdout
    (line,) = (line for line in told.splitlines() if "processor" in line)
    assert ", ".join(found) in line
    assert ("unknown" in line) == (not found)


def test_a_damaged_bundle_is_not_ready(cache_dir: Path) -> None:
    make_bundle(cache_dir)
    (cache_dir / "bundles" / "current" / "heads.npz").write_bytes(b"HEADS")
    done = ticketmill_process(cache_dir, "models", "status", code=3)
    assert done.stdout == ""
    assert "is damaged" in done.stderr
