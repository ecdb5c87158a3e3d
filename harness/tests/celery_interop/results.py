"""Celery itself as the reader of results.

Runs the measured task in a worker of Celery's own, reads every result by
``AsyncResult(id).get()`` and prints what each task came to: JSON, one object.
"""

import json
import os
import signal
import sys
import threading

from celery import signals
from celery.result import allow_join_result

from schedworker import application, task, work
from schedworker.bodies import BodyPool
from schedworker.events import Events

TASKS = int(sys.argv[1])
given = work.read(sys.stdin.readline())
app = application.make(given)
app.conf.worker_pool = "threads"
# Their records fit into it; nobody reads them here.
reader, writer = os.pipe()
task.register(app, given, Events(writer), BodyPool(given.body))
said = {}


def ask():
    try:
        for number in range(TASKS):
            name = f"{(1 << 40) | number:016x}"
            result = app.AsyncResult(name)
            # Celery takes every thread of a worker for a task's.
            with allow_join_result():
                value = result.get(timeout=60, propagate=False)
            shown = type(value).__name__ if isinstance(value, Exception) else value
            said[name] = f"{result.state} {shown}"
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


@signals.worker_ready.connect(weak=False)
def ready(**_):
    threading.Thread(target=ask, daemon=True).start()


worker = app.Worker(hostname="peer@localhost", loglevel="WARNING", quiet=True, without_gossip=True, without_mingle=True)
worker.start()
print("\n" + json.dumps(said))
