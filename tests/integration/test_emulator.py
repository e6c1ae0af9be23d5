from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ticketmill.deploy import emulator
from ticketmill.domain.errors import SetupError


def record_of(unused_endpoint: str, state_dir: Path) -> Path:
    return state_dir / f"emulator-{unused_endpoint.rpartition(':')[2]}.json"


def test_of_two_starts_at_once_one_starts_it_and_one_stop_ends_it(
    unused_endpoint: str, tmp_path: Path
) -> None:
    assert not emulator.answers(unused_endpoint)
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda _: emulator.start(unused_endpoint, tmp_path), range(2)))
    try:
        assert sorted(one.started for one in found) == [False, True]
        assert emulator.answers(unused_endpoint)
        assert not emulator.start(unused_endpoint, tmp_path).started
        (pid,) = [one.pid for one in found if one.pid]
        assert emulator.process_started(pid) is not None
    finally:
        assert emulator.stop(unused_endpoint, tmp_path)
    assert emulator.process_started(pid) is None
    assert not emulator.answers(unused_endpoint)
    assert not record_of(unused_endpoint, tmp_path).exists()
    assert not emulator.stop(unused_endpoint, tmp_path)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at Linux's own tables")
def test_it_listens_on_loopback_alone(
    unused_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:  # the usual port of its broker may be taken, and then it does without
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("IOT_MTLS_PORT", str(probe.getsockname()[1]))
    started = emulator.start(unused_endpoint, tmp_path)
    try:
        descriptors = Path(f"/proc/{started.pid}/fd").iterdir()
        sockets = {str(each.readlink()).removeprefix("socket:[").removesuffix("]") for each in descriptors}
        rows = [
            line.split()
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{started.pid}/net/{table}").read_text().splitlines()[1:]
        ]
    finally:
        emulator.stop(unused_endpoint, tmp_path)
    listening = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}
    assert listening == {"0100007F"}, "127.0.0.1, as the kernel writes it"


@pytest.mark.localstack
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at Linux's own tables")
def test_the_place_that_the_tests_run_at_listens_on_loopback_alone(emulator: str) -> None:
    port = f"{int(emulator.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    assert {address for address, at in listening if at == port} == {"0100007F"}


def test_stop_leaves_alone_whatever_has_taken_over_the_process_id(
    unused_endpoint: str, tmp_path: Path
) -> None:
    port = int(unused_endpoint.rpartition(":")[2])
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as foreign:
        try:
            record = record_of(unused_endpoint, tmp_path)
            record.write_text(json.dumps({"pid": foreign.pid, "process_started": "long ago", "port": port}))
            assert not emulator.stop(unused_endpoint, tmp_path)
            assert foreign.poll() is None
            assert not record.exists()
        finally:
            foreign.kill()


def test_stop_passes_over_a_record_that_it_cannot_read(unused_endpoint: str, tmp_path: Path) -> None:
    record_of(unused_endpoint, tmp_path).write_text("{")
    assert not emulator.stop(unused_endpoint, tmp_path)


def test_an_endpoint_elsewhere_is_never_started(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nothing answers at http://192\.0\.2\.1:1: .*AWS_ENDPOINT_URL"):
        emulator.start("http://192.0.2.1:1", tmp_path)


def test_a_missing_ministack_says_how_to_install_it(
    unused_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SetupError, match=r"pip install 'ticketmill\[local\]'"):
        emulator.start(unused_endpoint, tmp_path)


def test_an_emulator_that_dies_shows_the_end_of_its_log(
    unused_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the port is on fire\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(SetupError, match=r"ended with status 3; (.|\n)*the port is on fire"):
        emulator.start(unused_endpoint, tmp_path)
    assert not record_of(unused_endpoint, tmp_path).exists()
