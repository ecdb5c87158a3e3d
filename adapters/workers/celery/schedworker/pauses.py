"""Pauses of the garbage collector, reported as records."""

import gc
import time

from schedworker.events import Events, Status


def report(events: Events, worker: int) -> None:
    """Reports each collection of this process and of those forked from it."""
    began = 0

    def collection(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.monotonic_ns()
        elif began:
            events.write(worker, info["generation"], Status.PAUSE, began, time.monotonic_ns())

    gc.callbacks.append(collection)
