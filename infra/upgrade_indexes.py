#!/usr/bin/env python3
"""Prints the template on the way from the four indexes of version 1 to the two of today.

    python infra/upgrade_indexes.py STEP > step.yaml

CloudFormation makes or deletes one index of a table in one update. Steps 1 and 2 add today's indexes, steps 3
to 5 delete all but one of the old ones, and infra/template.yaml itself deletes the last. docs/deploy.md says
what to do between them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TEMPLATE = Path(__file__).with_name("template.yaml")

OLD = ("urgency_day", "intent_day", "sentiment_day", "status_day")
NEW = ("by_time", "by_status")
STEPS = (OLD, (*OLD, NEW[0]), *((*OLD[deleted:], *NEW) for deleted in range(len(OLD))))
"""The indexes after each step; before the first are those of version 1."""

ATTRIBUTES = {"by_time": ("shard", "position"), "by_status": ("status_shard", "position")}

_INDEXES = re.compile(r"      AttributeDefinitions:\n(?:.+\n)*?      GlobalSecondaryIndexes:\n(?:.+\n)*")
_OLD_INDEX = """\
        - IndexName: {name}
          KeySchema:
            - AttributeName: {name}
              KeyType: HASH
            - AttributeName: received_at
              KeyType: RANGE
          Projection:
            ProjectionType: ALL
"""


def template_of(step: int, template: str) -> str:
    """`template` with the indexes of a step."""
    (today,) = _INDEXES.findall(template)
    blocks = re.split(r"(?m)^(?=        - IndexName: )", today)[1:]
    new = dict(zip(NEW, (block.rstrip("\n") + "\n" for block in blocks), strict=True))
    indexes = STEPS[step]
    keys = {"ticket_id"}
    for name in indexes:
        keys.update(ATTRIBUTES.get(name, (name, "received_at")))
    lines = ["      AttributeDefinitions:\n"]
    lines += [f"        - AttributeName: {key}\n          AttributeType: S\n" for key in sorted(keys)]
    lines.append("      GlobalSecondaryIndexes:\n")
    lines += [new.get(name) or _OLD_INDEX.format(name=name) for name in indexes]
    stepped = template.replace(today, "".join(lines))
    # CloudFormation takes 51,200 bytes: lines of comment are left out
    return "".join(line for line in stepped.splitlines(True) if not line.lstrip().startswith("#"))


def main() -> None:
    steps = [str(step) for step in range(1, len(STEPS))]
    if sys.argv[1:] not in [[step] for step in steps]:
        sys.exit(f"usage: upgrade_indexes.py STEP, one of {', '.join(steps)}")
    print(template_of(int(sys.argv[1]), TEMPLATE.read_text(encoding="utf-8")), end="")


if __name__ == "__main__":
    main()
