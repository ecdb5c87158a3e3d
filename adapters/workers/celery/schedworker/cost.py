"""What a task costs besides Celery: our own part of it, measured at the end."""

import base64
import os
import statistics
import time
from dataclasses import replace

from schedworker.bodies import BodyPool
from schedworker.events import RECORD_BYTES, Events
from schedworker.task import perform_and_report
from schedworker.work import Handler, Work

# Their records fit into the smallest pipe (one page): nothing waits for a reader.
MOST_TASKS = 100
# Fewer where bodies are large: a worker that is told to end has seconds for it.
MOST_BYTES = 1 << 20
ROUNDS = 21


def measure(work: Work, bodies: BodyPool) -> float:
    """Nanoseconds of our part of a task, the middle one of some rounds."""
    work = replace(work, handler=Handler(sleep_ns=0, cpu_ns=0))
    reader, writer = os.pipe()
    try:
        events = Events(writer)
        count = max(1, min(MOST_TASKS, MOST_BYTES // max(1, work.body.bytes)))
        tasks = [
            (f"{task:016x}", base64.b64encode(bodies.of(task)).decode()) for task in range(count)
        ]
        rounds = []
        for _ in range(ROUNDS):
            began = time.monotonic_ns()
            for name, body in tasks:
                perform_and_report(work, events, bodies, name, 0, body)
            rounds.append(time.monotonic_ns() - began)
            os.read(reader, count * RECORD_BYTES)
    finally:
        os.close(reader)
        os.close(writer)
    return statistics.median(rounds) / count


def line(work: Work, bodies: BodyPool) -> str:
    """The line of a worker's log."""
    return (
        f"our part of a task: {measure(work, bodies):.0f} ns (two clock readings, planned end, "
        f"body of {work.body.bytes} bytes decoded and compared, record)"
    )
