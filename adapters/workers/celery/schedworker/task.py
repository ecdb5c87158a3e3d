"""The one task that is measured."""

import base64
import time
from typing import Any, NoReturn

from celery import Celery, Task

from schedworker import seeded
from schedworker.bodies import BodyPool
from schedworker.events import Events, Status
from schedworker.work import Handler, Work

NAME = "schedbench.run"


class PlannedFailure(Exception):
    """An attempt that the seed plans to fail."""


def perform(handler: Handler) -> None:
    """Does the handler's work."""
    if handler.sleep_ns:
        time.sleep(handler.sleep_ns / 1e9)
    if handler.cpu_ns:
        until = time.monotonic_ns() + handler.cpu_ns
        while time.monotonic_ns() < until:
            pass


def register(app: Celery, work: Work, events: Events, bodies: BodyPool) -> None:
    """Registers the task with an application."""

    # `throws`: Celery logs these failures as expected, without a traceback.
    @app.task(bind=True, name=NAME, shared=False, throws=(PlannedFailure,))
    def run(self: Task, body: str) -> None:
        attempt: int = self.request.retries
        if perform_and_report(work, events, bodies, self.request.id, attempt, body):
            _fail(self, work, attempt)


def perform_and_report(
    work: Work, events: Events, bodies: BodyPool, name: str, attempt: int, body: str
) -> bool:
    """Does one attempt of a task and reports it; whether it is planned to fail."""
    start = time.monotonic_ns()
    task = int(name, 16)
    intact = bodies.is_intact(task, base64.b64decode(body, validate=True))
    perform(work.handler)
    fails = seeded.attempt_fails(work.seed, task, attempt, work.fail_ppm)
    if fails:
        status = Status.FAILED_FINALLY if attempt >= work.retries else Status.FAILED
    else:
        status = Status.DONE if intact else Status.CORRUPT
    events.write(task, attempt, status, start, time.monotonic_ns())
    return fails


def _fail(task: Any, work: Work, attempt: int) -> NoReturn:
    failure = PlannedFailure(f"attempt {attempt}")
    if attempt >= work.retries:
        raise failure
    raise task.retry(exc=failure, countdown=work.backoff_ns / 1e9, max_retries=work.retries)
