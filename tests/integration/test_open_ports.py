"""What our processes listen at, by the system's own tables."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TICKETMILL

from ticketmill.deploy import emulator
from ticketmill.deploy.stack import Stack

LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp
READY_TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux has these tables")


def addresses(pid: int) -> dict[int, str]:
    """The address of every port that a process listens at."""
    held = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    found = {}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == LISTENS and f"socket:[{inode}]" in held:
                address, port = local.split(":")
                # words of four bytes, each in the machine's own order
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                found[int(port, 16)] = socket.inet_ntop(family, b"".join(words))
    return found


def test_the_emulator_listens_on_loopback_alone(
    unused_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # where its usual port is taken, the emulator goes without, and this test would see nothing
    monkeypatch.setenv("IOT_MTLS_PORT", str(int(unused_endpoint.rpartition(":")[2]) - 1))
    started = emulator.start(unused_endpoint, tmp_path)
    try:
        assert started.pid is not None
        found = addresses(started.pid)
    finally:
        emulator.stop(unused_endpoint, tmp_path)
    assert int(unused_endpoint.rpartition(":")[2]) in found
    assert all(ipaddress.ip_address(address).is_loopback for address in found.values()), found


@pytest.fixture
def worker(
    stack: Stack, environment: dict[str, str], unused_endpoint: str
) -> Iterator[subprocess.Popen[bytes]]:
    port = unused_endpoint.rpartition(":")[2]
    with subprocess.Popen([str(TICKETMILL), "work", "--metrics-port", port], env=environment) as process:
        yield process
        process.terminate()


def test_the_worker_listens_on_loopback_alone(worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not (found := addresses(worker.pid)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(found) == 1
    assert all(ipaddress.ip_address(address).is_loopback for address in found.values()), found
