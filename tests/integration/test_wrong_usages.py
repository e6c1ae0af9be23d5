"""Wrong usages, environments and inputs end in a sentence and a documented exit code, in no traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from commands import TICKETMILL
from wrong_usages import ALL, NOT_READY, REJECTED, USAGE, Wrong, make_files

from ticketmill.entrypoints.cli import run
from ticketmill.entrypoints.cli.output import EXIT_CODES

RAW = '{"ticket_id": "T1", "subject": "größer 😀", "body": "Ich kann mich nicht anmelden."}\n'


@pytest.fixture
def folder(tmp_path: Path, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a new user: no AWS, no proxy, no settings but the bundle."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TICKETMILL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TICKETMILL_BUNDLE", str(bundle_dir))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    make_files(tmp_path)
    return tmp_path


def test_the_table_has_a_hundred_ways() -> None:
    assert len(ALL) + len(REJECTED) >= 100
    assert len({(wrong.line, *wrong.variables.items()) for wrong in ALL}) == len(ALL)


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: f"{wrong.line} {' '.join(wrong.variables)}".strip())
def test_wrong_usage_ends_in_a_sentence_and_a_documented_exit_code(
    wrong: Wrong, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in wrong.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(), isatty=lambda: False))
    code = run(wrong.arguments)
    told = capsys.readouterr()
    assert code == wrong.code, told.err
    assert code in {documented.value for documented in EXIT_CODES}
    assert wrong.told in told.err
    assert "Traceback" not in told.err
    if code == NOT_READY and wrong.line != "doctor":  # which answers on stdout what it found
        assert told.out == ""
        assert told.err.splitlines()[-1].startswith("ticketmill: ")
    if code == USAGE:
        assert "Usage: ticketmill" in told.err


def test_each_ticket_that_can_never_succeed_is_named_with_its_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tickets = folder / "tickets"
    tickets.mkdir()
    for name in REJECTED:
        (folder / name).rename(tickets / name)
    assert run(["enrich", "tickets"]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    for name, reason in REJECTED.items():
        assert f"tickets/{name}: {reason}" in told.err
    assert told.err.endswith(f"{len(REJECTED)} tickets were rejected\n")


def shell(line: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash in which `ticketmill` is ours; the exit code is that of `ticketmill` in a pipe."""
    environment = {**os.environ, "PATH": f"{TICKETMILL.parent}:{os.environ['PATH']}"}
    script = f"set -o pipefail; {line}"
    return subprocess.run(
        ["/bin/bash", "-c", script], env=environment, capture_output=True, check=False, timeout=100
    )


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("ticketmill enrich - <&-", 3, b"stdin is closed"),
        ("ticketmill enrich raw.json > /dev/full", 3, b"No space left on device"),
        ("ticketmill --help > /dev/full", 3, b"No space left on device"),
        ("ticketmill taxonomy show > /dev/full 2> /dev/full", 3, b""),
        ("ticketmill --version >&-", 0, b""),
        ("ticketmill bogus 2>&-", 2, b""),
        # nothing answers at port 1, so that an emulator would have to be started
        (
            "HOME=/dev/null XDG_CACHE_HOME= AWS_ENDPOINT_URL=http://127.0.0.1:1 ticketmill up",
            3,
            b"TICKETMILL_CACHE_DIR",
        ),
        (r"ticketmill enrich $'gone\xff.json'", 3, rb"gone\udcff.json does not exist"),
        (
            r"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 ticketmill enrich $'gone\xff.json'",
            3,
            b"does not exist",
        ),
    ],
)
def test_an_environment_in_the_way_is_told_in_a_sentence(
    line: str, code: int, told: bytes, folder: Path
) -> None:
    (folder / "raw.json").write_text(RAW, encoding="utf-8")
    done = shell(line)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "encoding"),
    [
        ("PYTHONIOENCODING=ascii", "utf-8"),  # no terminal is ASCII: Typer takes it for a mistake
        ("PYTHONIOENCODING=latin-1", "latin-1"),
        ("LC_ALL=C PYTHONCOERCECLOCALE=0", "utf-8"),
    ],
)
def test_what_an_encoding_lacks_is_escaped_and_json_stays_json(
    variables: str, encoding: str, folder: Path
) -> None:
    (folder / "raw.json").write_text(RAW, encoding="utf-8")
    done = shell(f"{variables} ticketmill enrich raw.json")
    assert done.returncode == 0, done.stderr
    subject = json.loads(done.stdout.decode(encoding))["subject"]
    assert subject == "größer 😀"


def test_a_reader_that_has_had_enough_is_no_error(folder: Path) -> None:
    (folder / "many.jsonl").write_text(RAW * 300, encoding="utf-8")
    done = shell("ticketmill enrich many.jsonl | head -n 1")
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)
    assert done.stderr == b"" or b"enriched: " in done.stderr


def test_a_file_whose_name_is_not_utf8_is_read_and_named(folder: Path) -> None:
    Path(os.fsdecode(b"odd\xff.json")).write_text("{", encoding="utf-8")
    done = shell(r"ticketmill enrich $'odd\xff.json'")
    assert done.returncode == 4
    assert rb"odd\udcff.json: not_json" in done.stderr
