"""`ticketmill work` as it is, but for clients that give up on an answer after 3 s in place of 30.

CHAOS_BROKEN names a way in which it is to be broken, to see that the checks notice.
"""

from __future__ import annotations

import os

import broken

from ticketmill.aws import clients
from ticketmill.entrypoints.cli import main

READ_TIMEOUT_S = 3

if __name__ == "__main__":
    clients.READ_TIMEOUT_S = READ_TIMEOUT_S
    if way := os.environ.get("CHAOS_BROKEN"):
        broken.WAYS[way]()
    main()
