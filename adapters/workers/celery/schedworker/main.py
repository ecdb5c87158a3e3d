"""From the line of work to a worker that consumes, and to its end."""

import logging
import os
import sys
import time
from typing import Any

from celery import Celery, signals

from schedworker import application, cost, pauses, task, work
from schedworker.bodies import BodyPool
from schedworker.events import Events, NoPipe, Status


def main() -> int:
    """Does the work until SIGTERM; returns the exit code."""
    try:
        given = work.read(sys.stdin.readline())
        events = Events()
        app = application.make(given)
    except (work.NotOurWork, NoPipe) as error:
        print(error, file=sys.stderr)
        return 2
    bodies = BodyPool(given.body)
    task.register(app, given, events, bodies)
    report_ready(events, given.index)
    report_connections(events, given.index)
    pauses.report(events, given.index)
    code = consume(app, given.index)
    if code == os.EX_OK:
        print(cost.line(given, bodies), file=sys.stderr, flush=True)
    return code


def report_ready(events: Events, index: int) -> None:
    """Reports when the worker consumes: the broker has answered that it does."""

    # Celery holds only a weak reference to a receiver otherwise.
    @signals.worker_ready.connect(weak=False)
    def ready(**_: Any) -> None:
        now = time.monotonic_ns()
        events.write(index, 0, Status.READY, now, now)


def report_connections(events: Events, index: int) -> None:
    """Reports when the consumer's connection is lost, and when it has another."""

    def say(status: Status) -> None:
        now = time.monotonic_ns()
        events.write(index, 0, status, now, now)

    @application.disconnected.connect(weak=False)
    def disconnected(**_: Any) -> None:
        say(Status.DISCONNECTED)

    @application.reconnected.connect(weak=False)
    def reconnected(**_: Any) -> None:
        say(Status.RECONNECTED)


def consume(app: Celery, index: int) -> int:
    """Runs the worker. SIGTERM lets what runs finish and gives the rest back."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s",
    )
    worker = app.Worker(
        hostname=f"schedbench-{index}@localhost",
        loglevel=logging.WARNING,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        # Events' heartbeat; AMQP's own is `broker_heartbeat`.
        without_heartbeat=True,
    )
    try:
        worker.start()
    finally:
        sys.stderr.flush()
    return worker.exitcode or os.EX_OK
