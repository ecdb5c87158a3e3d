"""The work a worker process is given."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


class NotOurWork(Exception):
    """The line on standard input is not what a harness writes."""


@dataclass(frozen=True)
class Address:
    """Where a server is. Its password is never printed."""

    host: str
    port: int
    user: str | None
    password: str | None
    database: str | None
    tls: bool

    def url(self, scheme: str) -> str:
        """The URL of it, password included."""
        login = ""
        if self.user is not None or self.password is not None:
            login = f"{quote(self.user or '', safe='')}:{quote(self.password or '', safe='')}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        database = "" if self.database is None else quote(self.database, safe="")
        return f"{scheme}{'s' if self.tls else ''}://{login}{host}:{self.port}/{database}"

    def __repr__(self) -> str:
        return f"Address({self.host}:{self.port})"


@dataclass(frozen=True)
class Fill:
    """How bodies are made again."""

    seed: int
    bytes: int


@dataclass(frozen=True)
class Handler:
    """What a handler does: sleeps and burns this many nanoseconds."""

    sleep_ns: int
    cpu_ns: int


@dataclass(frozen=True)
class Work:
    """What a worker is to do."""

    profile: str
    queue: str
    index: int
    broker: Address
    results: Address | None
    concurrency: int
    prefetch: int
    seed: int
    handler: Handler
    fail_ppm: int
    retries: int
    backoff_ns: int
    body: Fill


def read(line: str) -> Work:
    """Reads a work from one line of JSON."""
    try:
        return _read(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        # Not the line itself: it holds a password.
        raise NotOurWork(
            "this is started by a harness, with its work as a line of JSON on standard "
            f"input: {type(error).__name__}: {error}"
        ) from None


def _read(work: dict[str, Any]) -> Work:
    if work["system"] != "celery":
        raise ValueError(f"the work is for {work['system']}, and this is a worker of celery")
    shape = work["shape"]
    if work["at"] is None:
        raise ValueError("no broker is named")
    second = work.get("second")
    return Work(
        profile=work["profile"],
        queue=work["queue"],
        index=work["index"],
        broker=_address(work["at"]),
        results=None if second is None else _address(second),
        concurrency=shape["concurrency"],
        prefetch=shape["prefetch"],
        seed=work["seed"],
        handler=_handler(work["handler"]),
        fail_ppm=work["fail_ppm"],
        retries=work["retry"]["max"],
        backoff_ns=work["retry"]["backoff_ns"],
        body=Fill(seed=work["body"]["seed"], bytes=work["body"]["bytes"]),
    )


def _address(at: dict[str, Any]) -> Address:
    return Address(
        host=at["host"],
        port=at["port"],
        user=at["user"],
        password=at["password"],
        database=at["database"],
        tls=at["tls"],
    )


def _handler(handler: str | dict[str, int]) -> Handler:
    match handler:
        case "none":
            return Handler(sleep_ns=0, cpu_ns=0)
        case {"sleep-ns": int(ns)}:
            return Handler(sleep_ns=ns, cpu_ns=0)
        case {"cpu-ns": int(ns)}:
            return Handler(sleep_ns=0, cpu_ns=ns)
    raise ValueError(f"unknown handler {handler!r}")
