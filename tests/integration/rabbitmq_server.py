"""RabbitMQ of Debian on free ports, as a process of the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from celery_place import free_port, missing, until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Unlike /usr/sbin/rabbitmq-server it runs as whoever starts it."""


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[str]:
    """The address of a server that keeps everything in `folder`."""
    if not SERVER.exists() or shutil.which("epmd") is None:
        missing("rabbitmq-server")
    port, names = free_port(), free_port()
    variables = _variables(folder, port, names)
    with (folder / "rabbitmq.log").open("wb") as log:
        process = subprocess.Popen(
            [SERVER], env=variables, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    try:
        until(lambda: _listens(port))
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        until(lambda: _ends_names(names, variables))


def _variables(folder: Path, port: int, names: int) -> dict[str, str]:
    """Its environment; `names` is the port of epmd, where Erlang's nodes find each other."""
    plugins = folder / "plugins"
    plugins.write_text("[].\n", encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"ticketmill{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "rabbitmq"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_CONFIG_FILE": str(folder / "no-config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "no-environment"),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _ends_names(names: int, variables: Mapping[str, str]) -> bool:
    """Whether epmd has ended: it outlives the server, and goes once it knows that the server is gone."""
    command = ["epmd", "-port", str(names), "-kill"]
    subprocess.run(command, env=variables, capture_output=True, check=False, timeout=10)
    return not _listens(names)
