"""The Celery application of a work."""

import os
import signal
from typing import Any, ClassVar

from celery import Celery
from celery.utils.dispatch import Signal
from celery.worker.consumer.consumer import Consumer
from kombu.entity import Queue

from schedworker.profiles import PROFILES, Profile
from schedworker.work import NotOurWork, Work

# Sent by the consumer: its connection is gone, and it consumes on another one.
disconnected = Signal(name="disconnected")
reconnected = Signal(name="reconnected")


class OurConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, without what it leaves behind, and quick to end.

    For a quorum queue Celery declares 28 queues and 29 exchanges with fixed
    names, that outlive it. They serve delays only through a topic exchange,
    and these tasks go through the default one: they would lie there unused,
    in a broker that may be somebody's.

    Celery's handler of SIGTERM sets a flag that the event loop sees when it
    wakes, which in an idle pool of threads is at the next heartbeat. Here the
    signal wakes it.

    It also tells when its connection is lost, and when it consumes again.
    """

    _is_away = False

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """The steps of it."""

        default_steps: ClassVar[list[str]] = [
            step
            for step in Consumer.Blueprint.default_steps
            if not step.endswith(":DelayedDelivery")
        ]

    def register_with_event_loop(self, hub: Any) -> None:
        """Prepares the event loop, which is a new one after each reconnect."""
        super().register_with_event_loop(hub)
        if not hasattr(self, "_woken"):
            self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        hub.add_reader(self._woken, os.read, self._woken, 64)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Begins to connect again."""
        if not self._is_away:
            self._is_away = True
            disconnected.send(sender=self)
        super().on_connection_error_after_connected(exc)

    def on_ready(self) -> None:
        """Consumes, for the first time or again."""
        if self._is_away:
            self._is_away = False
            reconnected.send(sender=self)
        super().on_ready()


def profile_of(work: Work) -> Profile:
    """The profile that a work names."""
    try:
        return PROFILES[work.profile]
    except KeyError:
        known = ", ".join(PROFILES)
        raise NotOurWork(f"no profile {work.profile} of celery; there are: {known}") from None


def make(work: Work) -> Celery:
    """Celery, configured as the work says. Nothing is connected yet."""
    profile = profile_of(work)
    app = Celery("schedbench", set_as_current=True)
    app.conf.update(settings(work, profile))
    return app


def settings(work: Work, profile: Profile) -> dict[str, Any]:
    """The settings that differ from Celery's defaults, or that decide a result."""
    multiplier = profile.prefetch_multiplier or max(1, work.prefetch // work.concurrency)
    arguments = {"x-queue-type": "quorum"} if profile.quorum_queue else None
    # The harness has declared the queue, and the default exchange needs no
    # declaration.
    queue = Queue(
        work.queue,
        exchange="",
        routing_key=work.queue,
        queue_arguments=arguments,
        no_declare=True,
    )
    return {
        "broker_url": work.broker.url("amqp"),
        # A retry is a message that the worker publishes before it acknowledges
        # the failed attempt: unconfirmed, it could be lost with the broker.
        "broker_transport_options": {"confirm_publish": True},
        # A broker that refuses us ends the process at once; one that is lost
        # later is connected to again.
        "broker_connection_retry_on_startup": False,
        "broker_connection_retry": True,
        "broker_connection_max_retries": None,
        # As the harness's own clients.
        "broker_heartbeat": 10,
        "task_queues": [queue],
        "task_default_queue": work.queue,
        "task_default_exchange": "",
        "task_default_routing_key": work.queue,
        "task_create_missing_queues": False,
        "task_default_delivery_mode": "persistent",
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_acks_late": profile.acks_late,
        "task_reject_on_worker_lost": profile.acks_late,
        "task_acks_on_failure_or_timeout": True,
        "task_send_sent_event": False,
        **_results(work, profile),
        "worker_consumer": "schedworker.application:OurConsumer",
        "worker_pool": profile.pool,
        "worker_concurrency": work.concurrency,
        "worker_prefetch_multiplier": multiplier,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_max_tasks_per_child": None,
        "worker_disable_rate_limits": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": 0,
    }


def _results(work: Work, profile: Profile) -> dict[str, Any]:
    if profile.results is None:
        return {"task_ignore_result": True, "result_backend": "disabled://"}
    if profile.results == "rpc":
        return {"task_ignore_result": False, "result_backend": "rpc://"}
    if work.results is None:
        raise NotOurWork("the profile keeps results in Redis, and no Redis is named")
    return {
        "task_ignore_result": False,
        "result_backend": work.results.url("redis"),
        # After a colon Celery puts nothing of its own before its names.
        "result_backend_transport_options": {"global_keyprefix": f"{work.queue}:"},
    }
