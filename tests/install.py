"""Runs the README's commands that install without make, each in a copy of the checkout.

install.py [START]   only those that start so, as in `install.py uv`
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATTERN = re.compile(r"^## Install without make\n.*?^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def copy_of_checkout(target: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)


def main() -> None:
    (block,) = PATTERN.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    start = "".join(sys.argv[1:])
    commands = [line for line in block.splitlines() if line.startswith(start)]
    if not commands:
        sys.exit(f"no command of the README starts with {start}")
    for command in commands:
        with tempfile.TemporaryDirectory() as made:
            target = Path(made)
            copy_of_checkout(target)
            environment = {
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PIP_NO_COMPILE": "1",  # as quick as uv, which compiles nothing either
                "UV_TOOL_DIR": str(target / "tools"),
                "UV_TOOL_BIN_DIR": str(target / ".venv" / "bin"),
            }
            print(f"$ {command}", flush=True)
            subprocess.run(["bash", "-c", command], cwd=target, env=environment, check=True)
            installed = target / ".venv" / "bin" / "ticketmill"
            subprocess.run([installed, "schema", "ticket"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
