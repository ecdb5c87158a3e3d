"""What each profile of the system changes in Celery's configuration."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Profile:
    """A named configuration; the defaults are those of ``late-ack``."""

    pool: Literal["prefork", "threads"] = "prefork"
    acks_late: bool = True
    # Messages that a worker holds for each of its handlers; None for what the
    # work's prefetch comes to.
    prefetch_multiplier: int | None = None
    quorum_queue: bool = False
    results: Literal["rpc", "redis"] | None = None


PROFILES = {
    "late-ack": Profile(),
    "early-ack": Profile(acks_late=False),
    "threads": Profile(pool="threads"),
    "prefetch-1": Profile(prefetch_multiplier=1),
    "quorum": Profile(quorum_queue=True),
    "result-rpc": Profile(results="rpc"),
    "result-redis": Profile(results="redis"),
}
