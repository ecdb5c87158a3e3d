"""Celery's own client or a plain worker at full throttle, to set schedbench's beside.

Reads one line of JSON, for it holds a password, and says what it did in one.
"""

import json
import sys
import threading
import time
from typing import Any

from celery import Celery
from celery.worker import state
from kombu import Queue


def application(job: dict[str, Any]) -> Celery:
    """As a user would configure it; confirms and acknowledgements as the profile."""
    app = Celery("plain", broker=job["url"], set_as_current=True)
    queue = Queue(job["queue"], exchange="", routing_key=job["queue"], no_declare=True)
    app.conf.update(
        broker_transport_options={"confirm_publish": True},
        broker_connection_retry_on_startup=False,
        task_queues=[queue],
        task_default_queue=job["queue"],
        task_default_exchange="",
        task_default_routing_key=job["queue"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_pool="prefork",
        worker_concurrency=job["concurrency"],
        worker_prefetch_multiplier=max(1, job["window"] // job["concurrency"]),
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        # What `say` prints is no log line.
        worker_redirect_stdouts=False,
    )
    app.task(name="schedbench.run", shared=False)(nothing)
    return app


def nothing(_body: str) -> None:
    """The task."""


def say(tasks: int, begin: int, end: int) -> None:
    """What the measurement reads: tasks between two CLOCK_MONOTONIC instants, ns."""
    print("parity", json.dumps({"tasks": tasks, "from": begin, "to": end}), flush=True)


def enqueue(app: Celery, job: dict[str, Any]) -> None:
    """Calls `apply_async`, which waits for the broker's confirm."""
    task = app.tasks["schedbench.run"]
    # What base64 makes of a body: JSON has no bytes.
    body = "x" * ((job["body"] + 2) // 3 * 4)

    def until(deadline: int) -> tuple[int, int]:
        count = 0
        while (now := time.monotonic_ns()) < deadline:
            task.apply_async((body,))
            count += 1
        return count, now

    _, begin = until(time.monotonic_ns() + job["warmup_ms"] * 1_000_000)
    count, end = until(begin + job["measure_ms"] * 1_000_000)
    say(count, begin, end)


def process(app: Celery, job: dict[str, Any]) -> None:
    """Runs a worker until so many tasks have been handled.

    The worker counts its tasks itself; the count is looked at from a thread, so
    that the task has nothing to report.
    """
    worker = app.Worker(
        hostname="plain@localhost",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )

    def look() -> None:
        total = state.all_total_count
        while total[0] == 0:
            time.sleep(0.002)
        first, begin = total[0], time.monotonic_ns()
        while total[0] < job["tasks"] or state.active_requests:
            time.sleep(0.005)
        say(job["tasks"] - first, begin, time.monotonic_ns())

    threading.Thread(target=look, daemon=True).start()
    worker.start()


def main() -> None:
    """Does what the line says."""
    job = json.loads(sys.stdin.readline())
    app = application(job)
    {"enqueue": enqueue, "process": process}[job["side"]](app, job)


if __name__ == "__main__":
    main()
