"""Celery itself as the judge of our messages.

Publishes the same task by ``apply_async``, at once and delayed, runs a worker of
Celery's own on the queue and prints what its tasks were called with and what
``inspect`` says of the worker meanwhile: JSON, one object.
"""

import datetime
import json
import os
import signal
import sys
import threading
import time

from celery import signals

from schedworker import application, task, work

BODY, DELAY_S, EXPECTED = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
given = work.read(sys.stdin.readline())
app = application.make(given)
# What a measured worker goes without, and this test is about.
app.conf.worker_enable_remote_control = True
app.conf.worker_pool = "threads"
seen = {}
said = {}


@app.task(bind=True, name=task.NAME, shared=False)
def run(self, *args, **kwargs):
    request = {key: value for key, value in vars(self.request).items() if not key.startswith("_")}
    eta = self.request.eta and datetime.datetime.fromisoformat(self.request.eta).timestamp()
    seen[self.request.id] = {"args": args, "kwargs": kwargs, "at": time.time(), "eta": eta, "request": request}


def ask():
    run.apply_async((BODY,), task_id="theirs-now")
    run.apply_async((BODY,), task_id="theirs-later", countdown=DELAY_S)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(seen) < 2:
        time.sleep(0.05)
    inspect = app.control.inspect(timeout=10, limit=1)
    said["scheduled"] = inspect.scheduled()
    said["registered"] = inspect.registered()
    while time.monotonic() < deadline and len(seen) < EXPECTED:
        time.sleep(0.05)
    said["stats"] = inspect.stats()
    os.kill(os.getpid(), signal.SIGTERM)


@signals.worker_ready.connect(weak=False)
def ready(**_):
    threading.Thread(target=ask, daemon=True).start()


worker = app.Worker(hostname="peer@localhost", loglevel="WARNING", quiet=True, without_gossip=True, without_mingle=True)
worker.start()
print("\n" + json.dumps({"seen": seen, "said": said}, default=str))
