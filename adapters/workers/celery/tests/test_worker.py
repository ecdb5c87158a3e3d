"""Work, records, and what each profile makes of Celery's configuration."""

import base64
import json
import os
import re
import struct
import unittest
from typing import Any

from celery.exceptions import Retry

from schedworker import application, cost, task, work
from schedworker.bodies import BodyPool
from schedworker.events import Events, NoPipe, Status
from schedworker.profiles import PROFILES


def given(**changes: Any) -> dict[str, Any]:
    """A work as the harness writes it."""
    return {
        "system": "celery",
        "profile": "late-ack",
        "queue": "schedbench.test.1",
        "cell": 1,
        "index": 1,
        "at": {
            "host": "127.0.0.1",
            "port": 5672,
            "user": "me",
            "password": "p@ss/word",
            "database": None,
            "tls": False,
        },
        "shape": {
            "processes": 2,
            "concurrency": 4,
            "prefetch": 256,
            "connections": 2,
            "window": 4096,
        },
        "seed": 7,
        "handler": "none",
        "fail_ppm": 0,
        "retry": {"max": 2, "backoff_ns": 20_000_000},
        "body": {"seed": 7, "bytes": 100},
        "write_each": False,
        **changes,
    }


class TheWork(unittest.TestCase):
    """The line of JSON."""

    def test_it_is_read_and_its_password_is_not_shown(self) -> None:
        read = work.read(json.dumps(given(handler={"sleep-ns": 5})))
        self.assertEqual((read.concurrency, read.handler.sleep_ns), (4, 5))
        self.assertEqual(read.broker.url("amqp"), "amqp://me:p%40ss%2Fword@127.0.0.1:5672/")
        self.assertNotIn("p@ss", repr(read))

    def test_what_is_no_work_is_refused_without_a_word_of_it(self) -> None:
        for line in (
            "",
            "p@ss",
            "[]",
            json.dumps(given(system="asynq")),
            json.dumps(given(at=None)),
            json.dumps(given(handler="dance")),
            json.dumps(given(profile="p@ss"))[:-9],
        ):
            with self.assertRaises(work.NotOurWork) as refused:
                work.read(line)
            self.assertNotIn("p@ss", str(refused.exception))

    def test_an_unknown_profile_is_refused(self) -> None:
        with self.assertRaisesRegex(work.NotOurWork, "no profile nonsense.*late-ack"):
            application.make(work.read(json.dumps(given(profile="nonsense"))))


class TheConfiguration(unittest.TestCase):
    """What a profile decides."""

    def settings(self, profile: str) -> dict[str, Any]:
        read = work.read(json.dumps(given(profile=profile)))
        return application.settings(read, application.profile_of(read))

    def test_each_profile_differs_by_what_its_name_says(self) -> None:
        base = self.settings("late-ack")
        self.assertEqual(base["worker_prefetch_multiplier"], 64)
        self.assertTrue(base["task_acks_late"] and base["task_reject_on_worker_lost"])
        changed = {
            "late-ack": set[str](),
            "early-ack": {"task_acks_late", "task_reject_on_worker_lost"},
            "threads": {"worker_pool"},
            "prefetch-1": {"worker_prefetch_multiplier"},
            "result-rpc": {"task_ignore_result", "result_backend"},
        }
        for name, expected in changed.items():
            own = self.settings(name)
            differing = {key for key in base if key != "task_queues" and base[key] != own[key]}
            self.assertEqual(differing, expected, name)
        (queue,) = self.settings("quorum")["task_queues"]
        self.assertEqual(queue.queue_arguments, {"x-queue-type": "quorum"})
        self.assertEqual(set(PROFILES) - set(changed), {"quorum", "result-redis"})

    def test_results_in_redis_are_named_after_the_run(self) -> None:
        with self.assertRaisesRegex(work.NotOurWork, "no Redis is named"):
            self.settings("result-redis")
        second = {**given()["at"], "port": 6379, "user": None}
        line = json.dumps(given(profile="result-redis", second=second))
        read = work.read(line)
        self.assertNotIn("p@ss", repr(read))
        app = application.make(read)
        self.assertEqual(app.conf.result_backend, "redis://:p%40ss%2Fword@127.0.0.1:6379/")
        self.assertFalse(app.conf.task_ignore_result)
        # What the harness reads, and removes.
        key = app.backend.get_key_for_task("0001")
        self.assertEqual(key, b"schedbench.test.1:celery-task-meta-0001")
        self.assertEqual(app.backend.expires, 86_400)

    def test_it_never_declares_the_queues_of_native_delays(self) -> None:
        steps = application.OurConsumer.Blueprint.default_steps
        self.assertFalse([step for step in steps if "delayed_delivery" in step])
        self.assertTrue([step for step in steps if step.endswith(":Tasks")])


class TheTask(unittest.TestCase):
    """The handler, called as a worker calls it, and its records."""

    def run_once(self, attempt: int, body: bytes | None = None, **changes: Any) -> Any:
        read = work.read(json.dumps(given(**changes)))
        self.pool = BodyPool(read.body)
        app = application.make(read)
        reader, writer = os.pipe()
        try:
            task.register(app, read, Events(writer), self.pool)
            handler = app.tasks[task.NAME]
            sent = self.pool.of(77).tobytes() if body is None else body
            handler.push_request(
                id=f"{77:016x}", retries=attempt, called_directly=False, is_eager=True, args=[]
            )
            try:
                handler.run(base64.b64encode(sent).decode())
            finally:
                record = os.read(reader, 64)
                handler.pop_request()
        finally:
            os.close(reader)
            os.close(writer)
        self.assertEqual(len(record), 32)
        return struct.unpack("<QIIQQ", record)

    def test_a_success_and_a_damaged_body_are_told_apart(self) -> None:
        number, attempt, status, start, end = self.run_once(1)
        self.assertEqual((number, attempt, status), (77, 1, Status.DONE))
        self.assertLessEqual(start, end)
        self.assertEqual(self.run_once(0, body=b"x" * 100)[2], Status.CORRUPT)

    def test_the_last_planned_failure_is_final(self) -> None:
        with self.assertRaises(task.PlannedFailure):
            self.run_once(2, fail_ppm=1_000_000)

    def test_a_planned_failure_is_retried(self) -> None:
        # Eager retries run at once and end in the final failure.
        with self.assertRaises((Retry, task.PlannedFailure)):
            self.run_once(0, fail_ppm=1_000_000)


class TheCost(unittest.TestCase):
    """What our own part of a task takes."""

    def test_it_is_said_and_leaves_no_descriptor(self) -> None:
        read = work.read(json.dumps(given(fail_ppm=500_000, handler={"sleep-ns": 10**9})))
        before = os.listdir("/proc/self/fd")
        said = cost.line(read, BodyPool(read.body))
        self.assertEqual(os.listdir("/proc/self/fd"), before)
        found = re.fullmatch(r"our part of a task: (\d+) ns \(.*body of 100 bytes.*\)", said)
        self.assertIsNotNone(found, said)
        # More than two readings of the clock, and the handler's sleep is none of it.
        self.assertTrue(found and 100 < int(found[1]) < 1_000_000, said)


class ThePipe(unittest.TestCase):
    """Descriptor 3."""

    def test_what_is_no_pipe_is_refused(self) -> None:
        with self.assertRaisesRegex(NoPipe, "is no pipe"), open(os.devnull, "rb") as null:
            Events(null.fileno())
        with self.assertRaisesRegex(NoPipe, "is not open"):
            Events(987)


if __name__ == "__main__":
    unittest.main()
