"""Where named models lie: pulled from the Hugging Face Hub at a pinned revision, or in a folder.

Pulled ones are in the hub's own cache (HF_HOME), shared with whatever else uses it; which revision of each is
ours stands in `models.json` of ticketmill's cache directory. Loading never touches the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_choice import ModelChoice

log = logging.getLogger(__name__)

PINS_FILE = "models.json"
CONFIG = "config.json"
WEIGHTS = "*.safetensors"
# weights in no other format, and no code: what a model needs besides them are JSON and vocabularies
WANTED = [WEIGHTS, "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.spm"]
UNWANTED = ["onnx/*", "openvino/*", "*.bin.index.json", "flax*", "tf_*", "rust*"]
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "sentencepiece.bpe.model")

INSTALL = "uv pip install --torch-backend cpu 'ticketmill[hub]'"


@dataclass(frozen=True, slots=True)
class Located:
    """A model whose files are on this machine.

    `revision` is the commit of the hub, or of a folder the first 12 hex digits of a hash over its files.
    """

    choice: ModelChoice
    directory: Path
    revision: str

    @property
    def name(self) -> str:
        """What it is called and which revision of it, as in `hf:owner/name@0123456789ab`."""
        return f"{self.choice.kind}:{self.choice.model}@{self.revision[:12]}"

    @property
    def config(self) -> dict[str, Any]:
        """Its own configuration."""
        content: dict[str, Any] = json.loads((self.directory / CONFIG).read_bytes())
        return content

    @property
    def weights_mb(self) -> float:
        """Megabytes of its weights on disk."""
        return sum(path.stat().st_size for path in self.directory.glob(WEIGHTS)) / 1e6


def require_hub(variable: str) -> None:
    """SetupError that says how to install the extra, where it is not there."""
    needed = ("torch", "transformers", "sentence_transformers", "huggingface_hub", "safetensors")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(f"{variable} needs the extra `hub` ({', '.join(missing)} missing): {INSTALL}")


def locate(choice: ModelChoice, cache_dir: Path, variable: str) -> Located:
    """The files of `choice`. SetupError, beginning with `variable`, where they are missing or not whole."""
    if choice.is_folder:
        directory = Path(choice.model).expanduser()
        _check(directory, variable, f"{choice} is not a model")
        return Located(choice, directory, _hash(directory))
    commit = _pins(cache_dir).get(_pin_name(choice))
    pull = f"run `ticketmill models pull {choice}`"
    if commit is None:
        raise SetupError(f"{variable}: {choice} was not pulled: {pull}")
    try:
        directory = _snapshot(choice.model, commit, offline=True)
    except (OSError, ValueError) as error:  # the hub's own errors of a cache that lacks something are both
        raise SetupError(f"{variable}: {choice} is not in the cache any more: {pull}") from error
    _check(directory, variable, f"{choice} in the cache is not whole; {pull}")
    return Located(choice, directory, commit)


def pull(choice: ModelChoice, cache_dir: Path, report: Callable[[str], None]) -> Located:
    """Fetches `choice` from the hub, with a bar a file on stderr, and pins the revision that it found.

    A revision that was pinned before is left for the one that the name stands for now. A folder needs no
    fetching. SetupError where the hub does not give it.
    """
    if choice.is_folder:
        return locate(choice, cache_dir, str(choice))
    report(f"fetching {choice} from the Hugging Face Hub")
    try:
        directory = _snapshot(choice.model, choice.revision)
    except Exception as error:  # the type is that of its HTTP library, which changes with its version
        raise SetupError(f"the Hugging Face Hub did not give {choice}: {_first_line(error)}") from error
    _check(
        directory,
        str(choice),
        "nothing that can be loaded; where the weights are another format, a pull request of the hub's "
        "converter may have them as safetensors: NAME@refs/pr/NUMBER",
    )
    commit = directory.name
    _pin(cache_dir, choice, commit)
    return Located(choice, directory, commit)


def _snapshot(name: str, revision: str | None, offline: bool = False) -> Path:
    from huggingface_hub import snapshot_download

    found = snapshot_download(
        name,
        revision=revision,
        allow_patterns=WANTED,
        ignore_patterns=UNWANTED,
        local_files_only=offline or os.environ.get("HF_HUB_OFFLINE") == "1",
    )
    return Path(found)


def _check(directory: Path, variable: str, fault: str) -> None:
    def is_there(*patterns: str) -> bool:
        return any(path.is_file() for pattern in patterns for path in directory.glob(pattern))

    lacks = [
        what
        for what, patterns in (
            (CONFIG, (CONFIG,)),
            ("weights as .safetensors", (WEIGHTS,)),
            ("a tokenizer", VOCABULARIES),
        )
        if not is_there(*patterns)
    ]
    if lacks:
        where = directory if directory.is_dir() else f"{directory}, which is no folder"
        raise SetupError(f"{variable}: {fault}: no {', no '.join(lacks)} in {where}")


def _hash(directory: Path) -> str:
    """12 hex digits over the files that decide an output; 500 MB take 0.3 s."""
    digest = hashlib.sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and _decides(path)):
        digest.update(path.relative_to(directory).as_posix().encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _decides(path: Path) -> bool:
    return path.suffix in {".safetensors", ".json", ".txt", ".model", ".spm"}


def _pins(cache_dir: Path) -> dict[str, str]:
    try:
        pins: dict[str, str] = json.loads((cache_dir / PINS_FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SetupError(
            f"{cache_dir / PINS_FILE} is not JSON: remove it and pull the models again"
        ) from error
    return pins


def _pin(cache_dir: Path, choice: ModelChoice, commit: str) -> None:
    cache_dir.mkdir(parents=True, exist_ok=True)
    pins = {**_pins(cache_dir), _pin_name(choice): commit}
    written = cache_dir / f"{PINS_FILE}.{os.getpid()}"
    written.write_text(json.dumps(pins, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    written.replace(cache_dir / PINS_FILE)


def _pin_name(choice: ModelChoice) -> str:
    """A model is the same whatever it is used for."""
    return choice.model + (f"@{choice.revision}" if choice.revision else "")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
