"""LocalStack 4.14.0 without Docker, in an environment of its own, with ministack beside it for DynamoDB.

    host.py install       makes the environment where it is not there yet: Python 3.13, a minute
    host.py up [PORT]     runs both at 127.0.0.1, PORT (4566) and the next one, deploys the stack, and waits
                          for Ctrl-C
    host.py run COMMAND   runs both on free ports for as long as the command runs, and ends with its code

S3, SQS and CloudFormation are LocalStack's own. Its DynamoDB engine is a download of its own, so the tables
stand in ministack. LocalStack runs the same init hook as in the container. What both hold ends with them.

TICKETMILL_LOCALSTACK_DIR is where the environment is kept, TICKETMILL_STACK the name of the stack. Exit code
69 says that the environment cannot be had on this machine. Run it with the Python that has ticketmill.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ready import FAILED, READY, readiness

from ticketmill.deploy import emulator
from ticketmill.domain.errors import SetupError

VERSION = "4.14.0"
HERE = Path(__file__).resolve().parent
LOCK = HERE / "host.lock"
HOOK = HERE / "init" / "ready.d" / "deploy.sh"
TEMPLATE = HERE.parent / "infra" / "template.yaml"
LOG = HERE.parent / "build" / "localstack.log"

PORT = 4566
MAX_PORT = 65_534  # the next one is DynamoDB's
START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30  # then SIGKILL
_POLL_S = 0.5
_LOG_TAIL_LINES = 30

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Unavailable(Exception):
    """LocalStack cannot be had on this machine; the message says why."""


class Failed(Exception):
    """It was there and did not work; the message says what to look at."""


def home() -> Path:
    """The directory of the environment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TICKETMILL_LOCALSTACK_DIR") or cache / "ticketmill" / f"localstack-{VERSION}")


def install() -> Path:
    """The environment's directory, made where it is not there or was made from another lock file."""
    directory, wanted = home(), LOCK.read_text(encoding="utf-8")
    installed = directory / "installed.lock"  # written last: half an environment has none
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (installed.exists() and installed.read_text(encoding="utf-8") == wanted):
            python = _python313()
            _say(f"installing LocalStack {VERSION} into {directory}")
            shutil.rmtree(directory, ignore_errors=True)
            _make(python, directory)
            installed.write_text(wanted, encoding="utf-8")
    return directory


def _make(python: str, directory: Path) -> None:
    pip = [
        str(directory / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--no-compile",  # what it imports is compiled when it does
        "--quiet",
        "--disable-pip-version-check",
    ]
    for command in ([python, "-m", "venv", str(directory)], [*pip, "--requirement", str(LOCK)]):
        if code := subprocess.run(command, check=False).returncode:
            raise Unavailable(f"`{' '.join(command)}` ended with {code}")


def _python313() -> str:
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.13.*/bin/python"), reverse=True)
    for candidate in ("python3.13", *map(str, pyenv)):
        # a version manager's shim may be there without the version behind it
        works = (
            shutil.which(candidate)
            and not subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode
        )
        if works:
            return candidate
    raise Unavailable(
        f"LocalStack {VERSION} needs Python 3.13, and there is none: install it, or put it on PATH"
    )


@contextmanager
def running(port: int, dynamodb_port: int) -> Iterator[dict[str, str]]:
    """Both run inside; yields the variables that lead there. Raises Failed where one does not come up."""
    directory = install()
    here, tables = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{dynamodb_port}"
    for endpoint_url in (here, tables):
        if emulator.answers(endpoint_url):
            raise Failed(
                f"something answers at {endpoint_url} already: stop it (`ticketmill down` if it is ours)"
            )
    with tempfile.TemporaryDirectory(prefix="ticketmill-localstack-") as state:
        emulator.start(tables, Path(state))
        try:
            with _localstack(directory, here, Path(state), parameters=_deploy_tables(tables)):
                yield {
                    **CREDENTIALS,
                    "AWS_ENDPOINT_URL": here,
                    "AWS_ENDPOINT_URL_DYNAMODB": tables,
                    "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": tables,
                }
        finally:
            emulator.stop(tables, Path(state))


def _deploy_tables(tables: str) -> str:
    """Deploys the whole stack at ministack for its tables; returns the parameters that name them."""
    environment = {**os.environ, **CREDENTIALS, **_hook_environment(), "AWS_ENDPOINT_URL": tables}
    if subprocess.run([HOOK], env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
        raise Failed(f"the stack could not be deployed at {tables}")
    stack = os.environ.get("TICKETMILL_STACK") or "ticketmill"
    return f"ExistingTableName={stack}-tickets ExistingLearningTableName={stack}-learning"


def _hook_environment() -> dict[str, str]:
    beside_us = Path(sys.executable).parent  # awslocal is there
    return {"PATH": f"{beside_us}:{os.environ['PATH']}", "TICKETMILL_TEMPLATE": str(TEMPLATE)}


@contextmanager
def _localstack(directory: Path, endpoint_url: str, state: Path, parameters: str) -> Iterator[None]:
    root = state / "root"
    (root / "etc" / "localstack").mkdir(parents=True)
    (root / "etc" / "localstack" / "init").symlink_to(HERE / "init")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **CREDENTIALS,
        **_hook_environment(),
        "AWS_ENDPOINT_URL": endpoint_url,  # for the hook
        "TICKETMILL_STACK_PARAMETERS": parameters,
        "GATEWAY_LISTEN": endpoint_url.removeprefix("http://"),
        "GATEWAY_SERVER": "hypercorn",  # the default one listens at every address, whatever it is told
        "DNS_ADDRESS": "0",
        "SERVICES": "s3,sqs,sns,cloudformation,lambda,events,logs,iam,sts,kms,cloudwatch,ssm",
        "EAGER_SERVICE_LOADING": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "OVERRIDE_IN_DOCKER": "0",  # it would take this machine for its container where that is one itself
        "FILESYSTEM_ROOT": str(root),
        "LOCALSTACK_VOLUME_DIR": str(root / "volume"),
    }
    LOG.parent.mkdir(exist_ok=True)
    command = [str(directory / "bin" / "python"), "-m", "localstack.runtime.main"]
    with LOG.open("wb") as written:
        # a session of its own: Ctrl-C is for us, and we stop it
        process = subprocess.Popen(
            command, env=environment, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_ready(process, endpoint_url)
        yield
        if process.poll() is not None:
            raise Failed(f"LocalStack ended with {process.returncode} meanwhile{_tail()}")
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], endpoint_url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while (state := readiness(endpoint_url)) != READY:
        if process.poll() is not None:
            raise Failed(f"LocalStack ended with {process.returncode}{_tail()}")
        if state.startswith(FAILED) or time.monotonic() > deadline:
            raise Failed(f"LocalStack did not become ready ({state}){_tail()}")
        time.sleep(_POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail() -> str:
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return "\n".join([f"; the end of {LOG}:", *lines])


def _unused_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:  # both held at once: they differ
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def up(port: int = PORT) -> int:
    with running(port, port + 1) as environment:
        _say(f"LocalStack {VERSION} is ready; it runs until Ctrl-C. In another shell:")
        for name, value in environment.items():
            print(f"export {name}={value}", flush=True)
        while emulator.answers(environment["AWS_ENDPOINT_URL"], timeout_s=30):
            time.sleep(2)
    return 1


def run(command: list[str]) -> int:
    with running(*_unused_ports()) as environment:
        variables = {
            **os.environ,
            **environment,
            "TICKETMILL_TEST_ENDPOINT_URL": environment["AWS_ENDPOINT_URL"],
        }
        code = subprocess.run(command, env=variables, check=False).returncode
    return code if code >= 0 else 128 - code


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that both are stopped
    try:
        match arguments:
            case ["install"]:
                install()
                return 0
            case ["up"]:
                return up()
            case ["up", port] if port.isdecimal() and 0 < int(port) <= MAX_PORT:
                return up(int(port))
            case ["run", *command] if command:
                return run(command)
    except KeyboardInterrupt:
        return 0 if arguments[0] == "up" else 128 + signal.SIGINT
    except Unavailable as reason:
        _say(f"localstack/host.py: {reason}")
        return os.EX_UNAVAILABLE
    except (Failed, SetupError) as reason:
        _say(f"localstack/host.py: {reason}")
        return 1
    _say(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
