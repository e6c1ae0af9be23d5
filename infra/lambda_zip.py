"""Builds the archive of the Lambda function: the packages of lambda.lock, ticketmill, and the bundle.

The same sources give the same bytes: packages are pinned by hash, entries sorted, times fixed. The last line
of the output is the archive's path.

    lambda_zip.py [--python 3.13] [--to FOLDER] [--web]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.bundle import load_bundle
from ticketmill.settings import load_settings

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "infra" / "lambda.lock"
WEB_LOCK = ROOT / "infra" / "lambda-web.lock"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Amazon Linux 2023, which the runtime stands on, has glibc 2.34
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (34, 31, 28, 27, 17)] + ["manylinux2014_x86_64"]
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNZIPPED_BYTES = 250 << 20
EARLIEST = (1980, 1, 1, 0, 0, 0)
MEGABYTE = 1 << 20

# What no invocation ever reads. Licences are in the .dist-info folders, which stay.
NOT_NEEDED = re.compile(
    r"""
      (^|/)(tests|testing/tests|__pycache__|bin)/
    | \.(pyi|pyx|pxd|c|h|a|typed)$
    | \.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$
    | ^numpy/(f2py|_core/include|_core/lib|distutils|doc)/
    | ^onnxruntime/(transformers|tools|quantization|datasets|backend)/
    | ^botocore/data/(?!(s3|sqs|dynamodb|cloudformation|sts|events|sns|secretsmanager)/|[^/]+\.json$)
    | ^google/protobuf/compiler/
    | ^ticketmill/(learning/(corpus|shipped)|models/shipped|models/build|encoder/build|entrypoints/cli)/
    """,
    re.VERBOSE,
)


def install(directory: Path, python: str, lock: Path) -> None:
    """The locked packages for Lambda's platform, and ticketmill, into `directory`."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as wheels:
        run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, str(ROOT)])
        for wheel in Path(wheels).glob("*.whl"):
            shutil.unpack_archive(wheel, directory, "zip")
    target = [
        "--target",
        str(directory),
        "--no-compile",
        "--python-version",
        python,
        "--implementation",
        "cp",
    ]
    for platform in PLATFORMS:
        target += ["--platform", platform]
    locked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(lock)]
    run([*pip, "install", *target, *locked])


def prune(directory: Path) -> None:
    """Takes away what no invocation reads."""
    for path in files_of(directory):
        if NOT_NEEDED.search(path.relative_to(directory).as_posix()):
            path.unlink()
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def interpreter_of(python: str) -> str:
    """The interpreter of that version. SetupError where this machine has none.

    Modules are compiled with it: the function's folder cannot be written to, and without that every cold
    start would compile them again, which takes some seconds.
    """
    found = sys.executable if python == PYTHON else shutil.which(f"python{python}")
    if found is None or subprocess.run([found, "-V"], capture_output=True, check=False).returncode:
        raise SetupError(f"no python{python} here to compile with: install it, or build for {PYTHON}")
    return found


def compile_bytecode(directory: Path, interpreter: str) -> None:
    """Compiles every module, so that the compiled file is taken as it stands."""
    flags = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(directory), "-p", "/var/task"]
    run([interpreter, "-m", "compileall", *flags, str(directory)], PYTHONHASHSEED="0")


def add_bundle(directory: Path) -> str:
    """Copies the bundle in use, verified; its fingerprint."""
    bundle = load_bundle(load_settings().bundle_dir)
    shutil.copytree(bundle.directory, directory / "bundle")
    return bundle.fingerprint


def write_zip(directory: Path, archive: Path) -> None:
    """Packs `directory` so that the same files give the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files_of(directory):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose permissions follow; Lambda runs as another user
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, path.read_bytes())


def owners_of(directory: Path) -> Mapping[str, str]:
    """Which package each folder and file at the top is of."""
    return {
        file.parts[0]: distribution.name
        for distribution in distributions(path=[str(directory)])
        for file in distribution.files or ()
    }


def sizes(directory: Path, owners: Mapping[str, str]) -> Mapping[str, int]:
    """Bytes by package, the largest first."""
    counted: Counter[str] = Counter()
    for path in files_of(directory):
        top = path.relative_to(directory).parts[0]
        counted[owners.get(top, top)] += path.stat().st_size
    return dict(counted.most_common())


def files_of(directory: Path) -> Iterator[Path]:
    found = (path for path in directory.rglob("*") if path.is_file())
    yield from sorted(found, key=lambda path: path.relative_to(directory).as_posix())


def run(command: list[str], **environment: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, **environment})


def build(python: str, to: Path, web: bool = False) -> Path:
    """Builds the archive, reports what is in it and gives its path. With `web` it is that of the API."""
    interpreter = interpreter_of(python)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "task"
        directory.mkdir()
        install(directory, python, WEB_LOCK if web else LOCK)
        owners = owners_of(directory)
        prune(directory)
        compile_bytecode(directory, interpreter)
        fingerprint = add_bundle(directory)
        draft = Path(scratch) / "draft.zip"
        write_zip(directory, draft)
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
        to.mkdir(parents=True, exist_ok=True)
        archive = to / f"ticketmill-{'web' if web else 'lambda'}-{digest[:12]}.zip"
        shutil.move(draft, archive)
        report(sizes(directory, owners), archive, python, fingerprint)
    return archive


def report(by_package: Mapping[str, int], archive: Path, python: str, fingerprint: str) -> None:
    total = sum(by_package.values())
    for name, size in by_package.items():
        print(f"{size / MEGABYTE:8.1f} MB  {name}")
    print(
        f"{total / MEGABYTE:8.1f} MB  unzipped, of {MAX_UNZIPPED_BYTES / MEGABYTE:.0f} MB that Lambda takes"
    )
    print(f"{archive.stat().st_size / MEGABYTE:8.1f} MB  zipped, with bundle {fingerprint}")
    print(f"deploy with CodeKey={archive.name} LambdaRuntime=python{python}")
    if total > MAX_UNZIPPED_BYTES:
        raise SetupError("the archive is too large for Lambda: extend NOT_NEEDED in infra/lambda_zip.py")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=PYTHON, help="of the function, this one without")
    parser.add_argument("--to", type=Path, default=ROOT / "build", help="folder of the archive")
    parser.add_argument("--web", action="store_true", help="the API and the page, see infra/web-service.yaml")
    arguments = parser.parse_args()
    try:
        print(build(arguments.python, arguments.to, arguments.web))
    except SetupError as error:
        print(f"lambda_zip: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
