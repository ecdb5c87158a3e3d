"""The bodies of tasks, made again from the seed to compare with."""

import array
import sys

from schedworker import seeded
from schedworker.work import Fill

OFFSETS = 4_096
PURPOSE = 0xB0D7


class BodyPool:
    """Bytes that every body is a slice of."""

    def __init__(self, fill: Fill) -> None:
        length = 0 if fill.bytes == 0 else fill.bytes + OFFSETS
        self._seed = seeded.purpose(fill.seed, PURPOSE)
        self._body = fill.bytes
        words = array.array("Q", (seeded.at(self._seed, place) for place in range(-(-length // 8))))
        if sys.byteorder == "big":
            words.byteswap()
        self._bytes = memoryview(words.tobytes())

    def of(self, task: int) -> memoryview:
        """The body of a task."""
        if self._body == 0:
            return memoryview(b"")
        offset = seeded.mix(self._seed ^ task) % OFFSETS
        return self._bytes[offset : offset + self._body]

    def is_intact(self, task: int, received: bytes) -> bool:
        """Whether these bytes are the body of that task."""
        return self.of(task) == received
