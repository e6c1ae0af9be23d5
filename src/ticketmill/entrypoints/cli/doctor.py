"""`ticketmill doctor`: what is ready on this machine, and what to do about the rest."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, counted, examples

if TYPE_CHECKING:
    from ticketmill.aws.clients import Clients
    from ticketmill.deploy.endpoint import Answer
    from ticketmill.settings import Settings

LOW_DISK_BYTES = 1 << 30
# SQS and DynamoDB refuse what was signed 5 minutes off, S3 after 15
WARN_CLOCK_S, MAX_CLOCK_S = 60.0, 300.0
SWITCHED_OFF = ("", "0", "false")

EXTRAS = {
    "build": ("onnx", "yaml", "safetensors"),
    "evaluate": ("matplotlib", "rouge_score", "sumy"),
    "hub": ("huggingface_hub", "sentence_transformers", "torch", "transformers"),
    "local": ("ministack",),
    "ray": ("pyarrow", "ray"),
    "train": ("scipy", "sklearn"),
}
"""What an extra must have brought."""

EPILOG = examples("ticketmill doctor", "ticketmill doctor --json | jq '.[] | select(.verdict != \"ok\")'")


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was found, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    what_to_do: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Check this machine: one line a part, and what to do.

    Exit code 3 where something is missing that the pipeline cannot do without.
    """
    findings = list(_findings())
    if as_json:
        answer_json([asdict(each) for each in findings])
    else:
        for each in findings:
            what_to_do = f"; {each.what_to_do}" if each.what_to_do else ""
            answer(f"{each.verdict:<5} {each.name:<11} {each.found}{what_to_do}")
    if any(each.verdict is Verdict.FAIL for each in findings):
        raise typer.Exit(ExitCode.NOT_READY)


def _findings() -> Iterator[Finding]:
    from ticketmill.settings import load_settings

    yield _python()
    yield _processor()
    yield _telemetry()
    yield _proxy()
    try:
        settings = load_settings()
    except SetupError as error:
        yield Finding("settings", Verdict.FAIL, str(error))
        return
    yield Finding("settings", Verdict.OK, f"stack {settings.stack}, cache {settings.cache_dir}")
    yield _extras(settings)
    yield _disk(settings.cache_dir)
    yield _checked("bundle", lambda: _bundle(settings))
    yield from _aws(settings)


def _checked(name: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds; the sentence of a SetupError says what to do itself."""
    try:
        return look()
    except SetupError as error:
        return Finding(name, Verdict.FAIL, str(error))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", Verdict.OK, f"{version}, {sys.executable}")


def _processor() -> Finding:
    from ticketmill.encoder.processor import instructions
    from ticketmill.settings import usable_cores

    known = instructions()
    found = ", ".join([counted(usable_cores(), "usable core"), *known])
    if sys.platform == "linux" and "avx2" not in known and os.uname().machine == "x86_64":
        return Finding("processor", Verdict.WARN, found, "without AVX2 the encoder is several times slower")
    return Finding("processor", Verdict.OK, found)


def _telemetry() -> Finding:
    names = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
    sending = [name for name in names if os.environ.get(name, "").lower() in SWITCHED_OFF]
    if sending:
        found = f"on: {' and '.join(sending)} allow it"
        return Finding("telemetry", Verdict.WARN, found, f"unset {' '.join(sending)}")
    return Finding("telemetry", Verdict.OK, "off")


def _proxy() -> Finding:
    from urllib.request import getproxies_environment

    names = sorted(name for name in getproxies_environment() if name != "no")
    if not names:
        return Finding("proxy", Verdict.OK, "none")
    return Finding("proxy", Verdict.OK, f"for {', '.join(names)}; never for this machine")


def _extras(settings: Settings) -> Finding:
    from importlib.util import find_spec

    from ticketmill.domain.model_choice import CHOICES

    missing = [name for name, modules in EXTRAS.items() if not all(map(find_spec, modules))]
    present = ", ".join(name for name in EXTRAS if name not in missing) or "none"
    named = [task for task in CHOICES if settings.choice(task).model]
    if named and "hub" in missing:
        found = f"TICKETMILL_{named[0].upper()} names a model, and the extra hub is not installed"
        return Finding("extras", Verdict.FAIL, found, "pip install 'ticketmill[hub]'")
    absent = f"; not installed: {', '.join(missing)} (pip install 'ticketmill[NAME]')" if missing else ""
    return Finding("extras", Verdict.OK, f"{present}{absent}")


def _disk(cache_dir: Path) -> Finding:
    existing = next(each for each in (cache_dir, *cache_dir.absolute().parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return Finding("disk", Verdict.FAIL, f"{existing} cannot be written", "set TICKETMILL_CACHE_DIR")
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:,.1f} GB free for {cache_dir}"
    if free < LOW_DISK_BYTES:
        return Finding("disk", Verdict.WARN, found, "make room: a bundle and its sources take 0.3 GB")
    return Finding("disk", Verdict.OK, found)


def _bundle(settings: Settings) -> Finding:
    from ticketmill.encoder.bundle import load_bundle

    bundle = load_bundle(settings.bundle_dir)
    return Finding(
        "bundle",
        Verdict.OK,
        f"{bundle.fingerprint}, {bundle.manifest.encoder.precision}, every file verified",
    )


def _aws(settings: Settings) -> Iterator[Finding]:
    from ticketmill.aws import clients as aws_clients
    from ticketmill.deploy.endpoint import ask

    try:
        clients = aws_clients.connect()
    except SetupError as error:
        yield Finding("region", Verdict.FAIL, str(error))
        return
    yield _region(clients)
    endpoint_url = clients.cloudformation.meta.endpoint_url
    try:
        answered = ask(endpoint_url)
    except SetupError as error:
        yield Finding("endpoint", Verdict.FAIL, str(error))
        return
    endpoint = _endpoint(endpoint_url, answered)
    yield endpoint
    if answered.clock_ahead_s is not None:
        yield _clock(answered.clock_ahead_s)
    if endpoint.verdict is not Verdict.FAIL:
        yield _checked("stack", lambda: _stack(settings, clients))


def _region(clients: Clients) -> Finding:
    region = clients.cloudformation.meta.region_name
    other = os.environ.get("AWS_REGION")
    if other and other != region:
        found = f"{region}, though AWS_REGION says {other}"
        return Finding("region", Verdict.WARN, found, "set AWS_DEFAULT_REGION and AWS_REGION to the same")
    return Finding("region", Verdict.OK, region)


def _endpoint(endpoint_url: str, answered: Answer) -> Finding:
    from urllib.request import getproxies_environment

    from ticketmill.deploy.endpoint import Answering, is_loopback, split_endpoint

    found = f"{answered.who} at {endpoint_url}"
    if answered.who in (Answering.EMULATOR, Answering.AWS):
        return Finding("endpoint", Verdict.OK, found)
    if is_loopback(split_endpoint(endpoint_url).hostname or ""):
        what_to_do = (
            'eval "$(ticketmill up)"'
            if answered.who is Answering.NOBODY
            else "stop what listens there, or set AWS_ENDPOINT_URL to another port"
        )
        return Finding("endpoint", Verdict.FAIL, found, what_to_do)
    if getproxies_environment():  # it may be reached through the proxy alone, which was not asked
        return Finding("endpoint", Verdict.WARN, f"{found} without the proxy")
    return Finding("endpoint", Verdict.FAIL, found, "check the network, AWS_ENDPOINT_URL and the region")


def _clock(ahead_s: float) -> Finding:
    off_s = abs(ahead_s)
    # the header has no fractions of a second
    found = (
        f"{off_s:.0f} s {'behind' if ahead_s > 0 else 'ahead of'} the endpoint's" if off_s > 1.5 else "right"
    )
    if off_s <= WARN_CLOCK_S:
        return Finding("clock", Verdict.OK, found)
    verdict = Verdict.FAIL if off_s > MAX_CLOCK_S else Verdict.WARN
    return Finding(
        "clock", verdict, found, "set this machine's clock (NTP): AWS refuses requests 5 minutes off"
    )


def _stack(settings: Settings, clients: Clients) -> Finding:
    from ticketmill.deploy.stack import find_stack

    stack = find_stack(clients, settings.stack)
    return Finding("stack", Verdict.OK, f"{settings.stack}, bucket {stack.raw_bucket}")
