"""Records what each place puts on the queue, into events/payloads/: `python tests/conformance/record.py`.

LocalStack is recorded where `--localstack URL` says where it answers. AWS's payloads are written by hand, in
the shapes of its documentation.
"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

from places import Place, localstack, ministack, moto
from questions import KEY
from ways import WAYS

PAYLOADS = Path(__file__).parents[2] / "events" / "payloads"
SETTLE_S = 2


def record(place: Place) -> None:
    """Every way that the place supports: the test event where there is one, and what one upload gives."""
    folder = PAYLOADS / place.name.lower()
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in WAYS.items():
        way = make(place, f"ticketmill-raw-{name}")
        for body in way.receive(1, wait_s=SETTLE_S):
            _write(folder / f"{name}-test-event.json", body)
        way.drop(KEY)
        for number, body in enumerate(way.receive(2, wait_s=SETTLE_S)):
            _write(folder / f"{name}{f'-{number + 1}' if number else ''}.json", body)


def _write(path: Path, body: str) -> None:
    path.write_text(json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path.relative_to(PAYLOADS.parents[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--localstack", metavar="URL")
    given = parser.parse_args().localstack
    for place in (ministack(), moto(), localstack(given) if given else nullcontext()):
        with place as answering:
            if answering is not None:
                record(answering)


if __name__ == "__main__":
    main()
