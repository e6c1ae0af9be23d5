"""Looks the locked dependencies up in a database of advisories: `make audit`.

Where no database can be reached, pip-audit passes over what it could not look up and finds nothing. So it is
first asked about a version that has advisories: only who finds those can be believed to find none elsewhere.

exit codes: 0 nothing found, or no database answers; 1 a dependency has an advisory; 3 no database answers and
the audit is --required, or pip-audit is missing, or what answered could not look all of it up
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-train.lock", "requirements-search.lock", "requirements-dev.lock")
KNOWN_BAD = "urllib3==1.26.4"  # GHSA-q2q7-5pp4-w6pg and others
SERVICES = ("pypi", "osv")
OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--vulnerability-service")
TIMEOUT_S = 300
EXIT_FOUND, EXIT_NOT_AUDITED = 1, 3


def findings(requirements: Path, service: str) -> list[str] | None:
    """`name version: advisory`, one each; None where a dependency could not be looked up."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), *OPTIONS, service]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        looked_up = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    if any("skip_reason" in each for each in looked_up):
        return None
    return [
        f"{each['name']} {each['version']}: {found['id']}, mended in {found['fix_versions'] or 'none'}"
        for each in looked_up
        for found in each["vulns"]
    ]


def answering_service() -> str | None:
    """The first database that knows what is known to be bad."""
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "known-bad.txt"
        bad.write_text(f"{KNOWN_BAD}\n", encoding="utf-8")
        return next((service for service in SERVICES if findings(bad, service)), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--required", action="store_true", help="fail where no database can be reached")
    required = parser.parse_args().required
    if importlib.util.find_spec("pip_audit") is None:
        print("pip-audit is not installed: run `make setup`", file=sys.stderr)
        return EXIT_NOT_AUDITED
    service = answering_service()
    if service is None:
        print(
            f"NOT AUDITED: no database of advisories could be reached (asked {' and '.join(SERVICES)} about "
            f"{KNOWN_BAD}). What is installed is held by the hashes of {LOCKS[1]} alone: run `make audit` "
            "where PyPI or OSV answers.",
            file=sys.stderr,
        )
        return EXIT_NOT_AUDITED if required else 0
    for lock in LOCKS:
        found = findings(ROOT / lock, service)
        if found is None:
            print(f"{lock}: {service} could not look all of it up: try again", file=sys.stderr)
            return EXIT_NOT_AUDITED
        print(f"{lock}: {len(found)} advisories, by {service}", *found, sep="\n  ")
        if found:
            return EXIT_FOUND
    return 0


if __name__ == "__main__":
    sys.exit(main())
