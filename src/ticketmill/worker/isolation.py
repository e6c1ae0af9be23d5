"""Which messages are worked alone, so that a ticket that kills the process takes no other with it.

A panic in a native library, a lack of memory or a segmentation fault ends the process. Every message in
flight then loses a receive, and SQS never lowers that count. Four rules keep the others from becoming dead
letters:

1. A message that was received three times or more is a suspect. It is worked alone: after the others in
   flight, in a batch of one, one at a time in the whole worker. While a suspect is in flight, nothing else
   is received. So a ticket that kills costs its neighbours its first two receives at the most.
2. A worker receives one message first and doubles that number with each receive, up to ten. Where a receive
   brings a suspect, it starts again at one. So workers that die again and again soon after their start touch
   few messages, and a suspect has few companions.
3. A worker that is told to stop finishes what it has in flight, where the deadline allows it. A release costs
   a receive, too.
4. The queue's `MaxReceiveCount` is 10: two receives in company, and eight alone.
"""

from __future__ import annotations

from ticketmill.domain.message import Message

SUSPECT_RECEIVES = 3


def is_suspect(message: Message) -> bool:
    """Whether the message may have killed a worker, and is worked alone."""
    return message.receive_count >= SUSPECT_RECEIVES
