"""Records on the pipe to the harness."""

import enum
import os
import stat
import struct

EVENTS_FD = 3
# id u64, attempt u32, status u32, start u64, end u64, little endian.
_RECORD = struct.Struct("<QIIQQ")
RECORD_BYTES = _RECORD.size


class Status(enum.IntEnum):
    """What a record says."""

    READY = 0
    DONE = 1
    FAILED = 2
    FAILED_FINALLY = 3
    CORRUPT = 4
    PAUSE = 5
    # TAKEN and CONFIRMED, 6 and 7, are of systems that run in a child.
    DISCONNECTED = 8
    RECONNECTED = 9


class NoPipe(Exception):
    """Descriptor 3 is not the event pipe."""


class Events:
    """The writing end, shared by the pool's children.

    Each record is one write of 32 bytes: at most PIPE_BUF, so the children's
    records never mix, and nothing that was reported is lost with a process.
    """

    def __init__(self, fd: int = EVENTS_FD) -> None:
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            raise NoPipe(
                f"descriptor {fd} is not open: a harness opens it as the event pipe"
            ) from None
        if not stat.S_ISFIFO(mode):
            raise NoPipe(f"descriptor {fd} is no pipe")
        self._fd = fd

    def write(self, task: int, attempt: int, status: Status, start: int, end: int) -> None:
        """Reports; times are CLOCK_MONOTONIC in nanoseconds."""
        os.write(self._fd, _RECORD.pack(task, attempt, status, start, end))
