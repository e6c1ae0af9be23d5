"""The shell blocks of a page in docs/, run in order by one shell, as a reader would."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_page(
    name: str, environment: dict[str, str], shell_path: str, tmp_path: Path
) -> subprocess.CompletedProcess[str]:
    """Runs docs/NAME.md with our commands on `shell_path`, and `tmp_path` in the place of /tmp."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = "\n".join(blocks).replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment | {"PATH": shell_path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
