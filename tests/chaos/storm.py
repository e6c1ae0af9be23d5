"""One run: the storm, the calm after it, and the look at what is left."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from check import Check, Finding
from crew import Crew
from decisions import Decisions
from faults import Faults, Trap
from proxy import Proxy, Seen
from scenario import MAX_TICKET_BYTES, Announcement, Disruption, Drop, Scenario
from tricks import Tricks

from ticketmill.aws.clients import Clients
from ticketmill.aws.sqs import SqsQueue
from ticketmill.deploy.stack import Stack

WORKERS = 3
VISIBILITY_TIMEOUT_S = 4
MAX_REDRIVES = 8
ENOUGH = 0.8  # of the tickets right, and the storm may end: the rest is left in disorder for the calm
PATIENCE_WITHOUT_PROGRESS_S = 150  # a busy machine gets there later
PATIENCE_S = 20  # for an upload that waits until the one before it is read
_TICK_S = 0.01
OBSERVE_S = 1.0  # between two looks at all rows
_LOG_TAIL_LINES = 12
_TOLD_FINDINGS = 5


@dataclass(frozen=True)
class Report:
    """What a run did and what it left behind."""

    scenario: Scenario
    findings: list[Finding]
    settled_in_storm: int
    dead_lettered: int
    counts: Counter[str]
    storm_s: float
    whole_s: float
    diary: list[Seen]
    logs: dict[str, list[str]]

    def summary(self) -> str:
        """For the person who runs it."""
        counted = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        return (
            f"chaos seed {self.scenario.seed}: {len(self.scenario.stories)} tickets, "
            f"{len(self.scenario.drops)} uploads, storm {self.storm_s:.0f} s of {self.whole_s:.0f} s, "
            f"{self.settled_in_storm} right before the calm, {self.dead_lettered} dead letters redriven, "
            f"{len(self.findings)} findings\n  {counted}"
        )

    def story(self) -> str:
        """The first findings, each with all that is known of its ticket."""
        return "\n".join(line for each in self.findings[:_TOLD_FINDINGS] for line in self._about(each))

    def _about(self, finding: Finding) -> Iterator[str]:
        yield f"--- seed {self.scenario.seed}: {finding}"
        if finding.ticket_id is None:
            for name, lines in self.logs.items():
                yield from (f"{name}: {line}" for line in lines[-_LOG_TAIL_LINES:])
            return
        if finding.ticket_id in self.scenario.stories:
            yield f"story {self.scenario.stories[finding.ticket_id]!r}"
            yield from map(str, self.scenario.of(finding.ticket_id))
        yield from (seen.line for seen in self.diary if finding.ticket_id.encode() in seen.ticket_ids)
        for name, lines in self.logs.items():
            yield from (f"{name}: {line}" for line in lines if finding.ticket_id in line)


@dataclass
class Storm:
    """The place and the scenario of one run."""

    scenario: Scenario
    clients: Clients
    stack: Stack
    endpoint_url: str
    environment: dict[str, str]
    log_dir: Path
    decisions: Decisions

    def run(self) -> Report:
        """Everything, once."""
        began = time.monotonic()
        self.clients.sqs.set_queue_attributes(
            QueueUrl=self.stack.queue_url, Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_S)}
        )
        faults = Faults(self.scenario.seed)
        proxy = Proxy(self.endpoint_url, faults, Tricks(faults, self.clients.sqs, self.stack.queue_url))
        self.decisions.register()
        crew = Crew(WORKERS, self._workers_environment(proxy.endpoint_url), self.log_dir)
        check = Check(self.scenario, self.clients, self.stack)
        try:
            self._rage(proxy, crew, check)
            storm_s = time.monotonic() - began
            faults.stop()
            crew.dismiss()
            settled = check.settled()
            dead_lettered = self._calm(crew)
        finally:
            crew.end()
            proxy.close()
        logs = crew.logs()
        findings = [*check.findings(), *(Finding(None, fault) for fault in crew.faults), *_of_logs(logs)]
        self.decisions.observe(check.rows.values())
        findings += [Finding(*each) for each in self.decisions.complaints(check.rows.values())]
        return Report(
            self.scenario,
            findings,
            settled,
            dead_lettered,
            faults.counts + crew.counts + Counter(self.decisions.made) + _refusals(logs),
            storm_s,
            time.monotonic() - began,
            proxy.diary,
            logs,
        )

    def _workers_environment(self, endpoint_url: str) -> dict[str, str]:
        return {
            **self.environment,
            "AWS_ENDPOINT_URL": endpoint_url,
            "OPENBLAS_NUM_THREADS": "1",
            "TICKETMILL_THREADS": "1",
            "TICKETMILL_WAIT_S": "1",
            "TICKETMILL_BATCH_SIZE": "16",
            "TICKETMILL_MAX_TICKET_BYTES": str(MAX_TICKET_BYTES),
            "TICKETMILL_VISIBILITY_TIMEOUT_S": str(VISIBILITY_TIMEOUT_S),
            "TICKETMILL_HEARTBEAT_S": "1",
            "TICKETMILL_RETRY_BASE_S": "1",
            "TICKETMILL_OUTAGE_PAUSE_S": "1",
            "TICKETMILL_ROLLOUT_REFRESH_S": "1",
        }

    def _rage(self, proxy: Proxy, crew: Crew, check: Check) -> None:
        """Uploads and disruptions, each in its turn, until all is uploaded and most tickets are right."""
        faults, uploads = proxy.faults, Uploads(self, proxy)
        outages, disruptions = list(self.scenario.outages), list(self.scenario.disruptions)
        queue = SqsQueue(self.clients.sqs, self.stack.queue_url)
        faults.start()
        started = time.monotonic()
        next_look_s = progress_s = self.scenario.duration_s
        right, observe_s = 0, 0.0
        while (now_s := time.monotonic() - started) < progress_s + PATIENCE_WITHOUT_PROGRESS_S:
            uploads.advance(now_s)
            while outages and outages[0].after_messages <= faults.received:
                faults.begin_outage(outages.pop(0))
            while disruptions and disruptions[0].after_messages <= faults.received:
                _disrupt(disruptions.pop(0), faults, crew)
            self.decisions.advance(faults.received)
            crew.tend()
            if now_s >= observe_s:
                self.decisions.observe(check.scanned())
                observe_s = now_s + OBSERVE_S
            if uploads.done and now_s >= next_look_s:
                if (settled := check.settled()) > right:
                    right, progress_s = settled, now_s
                if right >= ENOUGH * len(self.scenario.stories) or queue.depths().total == 0:
                    break
                look_s = time.monotonic() - started - now_s
                next_look_s = now_s + 2 + 5 * look_s  # looking is work for the emulator too
            time.sleep(_TICK_S)
        uploads.finish()
        self.decisions.finish()

    def _calm(self, crew: Crew) -> int:
        """Redrives dead letters and works everything off; how many there were."""
        dead_lettered = 0
        queue, dead_letters = (
            SqsQueue(self.clients.sqs, url)
            for url in (self.stack.queue_url, self.stack.dead_letter_queue_url)
        )
        for _ in range(MAX_REDRIVES):
            while messages := dead_letters.receive(10, wait_s=0):
                for message in messages:
                    queue.send(message.body)
                dead_letters.acknowledge(messages)
                dead_lettered += len(messages)
            if queue.depths().total == 0:
                break
            crew.finish()
        return dead_lettered


class Uploads:
    """The scenario's uploads, each ticket's in their order."""

    def __init__(self, storm: Storm, proxy: Proxy) -> None:
        self._storm = storm
        self._read_at = proxy.read_at
        self._left = {name: deque(storm.scenario.of(name)) for name in storm.scenario.stories}
        self._made_at: dict[str, float] = {}

    @property
    def done(self) -> bool:
        return not any(self._left.values())

    def advance(self, now_s: float) -> None:
        """Makes those that it is time for."""
        for left in self._left.values():
            while left and self._due(left[0], now_s):
                self._make(left.popleft())

    def finish(self) -> None:
        """Makes all that are left."""
        for left in self._left.values():
            while left:
                self._make(left.popleft())

    def _due(self, each: Drop | Announcement, now_s: float) -> bool:
        if now_s < each.at_s:
            return False
        read = self._read_at.get(each.ticket_id, 0) > self._made_at.get(each.ticket_id, 0)
        return read or not each.waits or now_s > each.at_s + PATIENCE_S

    def _make(self, each: Drop | Announcement) -> None:
        upload(each, self._storm.clients, self._storm.stack)
        self._made_at[each.ticket_id] = time.monotonic()


def upload(each: Drop | Announcement, clients: Clients, stack: Stack) -> None:
    """Does what the scenario says, past the proxy: only workers are to suffer."""
    if isinstance(each, Drop):
        clients.s3.put_object(Bucket=stack.raw_bucket, Key=each.key, Body=each.content)
    else:
        body = json.dumps({"ticket_id": each.ticket_id})
        clients.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=body)


def _disrupt(disruption: Disruption, faults: Faults, crew: Crew) -> None:
    """Strikes a worker now, or sets a trap for whichever comes to the point first."""

    def strike(name: str) -> bool:
        return crew.strike(name, disruption.action)

    if disruption.point is None:
        strike(crew.names[disruption.after_messages % len(crew.names)])
    else:
        faults.set_trap(Trap(disruption.point, disruption.after, strike))


def _refusals(logs: dict[str, list[str]]) -> Counter[str]:
    """How often workers refused a version."""
    lines = (line for lines in logs.values() for line in lines)
    return Counter("version refused" for line in lines if "learned version refused" in line)


def _of_logs(logs: dict[str, list[str]]) -> Iterator[Finding]:
    """Whatever befalls a worker, it must not be surprised."""
    for name, lines in logs.items():
        for number, line in enumerate(lines):
            if "Traceback" in line or "by a bug" in line:
                yield Finding(None, "\n".join([f"{name} was surprised:", *lines[number : number + 15]]))
