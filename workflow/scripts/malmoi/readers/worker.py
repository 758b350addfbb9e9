"""Read raw files in a process of its own, so that no file can hang or kill a run.

The readers stand on C and Rust libraries, and those meet files nobody has seen before. They run in a second
process, ``python -m malmoi.readers.worker``, which has a limit of time and of memory for each file and sends
the records back over a pipe. Where it hangs, dies or runs out of memory, that file alone is quarantined and a
fresh process goes on with the next. In an archive each member has the time limit for itself, and reading goes
on after the member that failed.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import logging
import os
import pickle
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.readers.record import ReadError, Record

#: Raw path, sha256 of the raw bytes and record, as ``files.records_of`` yields them.
Found = tuple[str, str, Record]

#: Limits of a source that does not set ``max_file_seconds`` and ``max_file_memory_mb``.
MAX_SECONDS = 300.0
MAX_MEMORY_MB = 2000.0

#: Members of one archive that may fail before the rest of it is given up.
MOST_FAILURES = 10

#: Records, and characters of text, that are sent together.
_BATCH_RECORDS = 64
_BATCH_CHARS = 1 << 18

#: Exit status of a process that ran out of memory and could say so.
_NO_MEMORY = 77

#: What libraries print when an allocation fails and they give up.
_MEMORY_SAID = re.compile(rb"memory allocation of|bad_alloc|out of memory|MemoryError", re.I)

_LENGTH = struct.Struct(">Q")
_PIPE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1

# The caller's side ----------------------------------------------------------------------------------


class _WorkerError(Exception):
    """The process is of no more use; the text is the ledger's reason."""


class _EndedError(_WorkerError):
    """The process is gone, by itself or by the kernel's doing."""


@dataclass
class _Place:
    """How far the reading of one raw file has come.

    ``begun`` counts the files in it, the file itself included, that a reader was given. ``path`` is the one
    being read, empty between two; ``last`` is the last record that came.
    """

    begun: int = 0
    path: str = ""
    last: str = ""


class Worker:
    """Reads the files of one source, one after the other; a context that ends the process.

    ``source`` is an entry of the config's ``corpus.sources``, as ``files.records_of`` takes it, with
    ``max_file_seconds`` and ``max_file_memory_mb`` (MB above what the process has when the file begins).
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = dict(source)
        self._seconds = float(source.get("max_file_seconds", MAX_SECONDS))
        self._memory_mb = float(source.get("max_file_memory_mb", MAX_MEMORY_MB))
        self._process: _Process | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def records(self, path: Path, raw_path: str) -> Iterator[Found]:
        """Yield what ``files.records_of`` yields, and one record with a reason for each file that failed.

        The reasons are ``too_slow``, ``too_much_memory`` and ``crashed``. Records that came before the
        failure stay; the reason names the last of them.

        Raises:
            InputError: a reader met a mistake of the user's.
            RuntimeError: the process cannot start, which is no file's fault.
        """
        skip = 0
        for _ in range(MOST_FAILURES):
            place = _Place()
            used = self._process is not None
            try:
                yield from self._attempt(path, raw_path, skip, place)
                return
            except _WorkerError as failure:
                # A process that dies between two files can seem alive when it is given the next, which is not
                # to blame: only a fresh process tells.
                if used and not place.begun and isinstance(failure, _EndedError):
                    continue
                reached = f", after {place.last}" if place.last else ""
                yield place.path or raw_path, "", Record(reason=f"{failure}{reached}")
                if place.path in ("", raw_path):
                    return
                skip = place.begun
        reason = f"crashed: {MOST_FAILURES} members failed; what follows them was not read"
        yield raw_path, "", Record(reason=reason)

    def _attempt(self, path: Path, raw_path: str, skip: int, place: _Place) -> Iterator[Found]:
        """Yield the records of a file, leaving out what its first ``skip`` readers' calls gave."""
        if self._process is None or self._process.has_ended():
            self._end()
            self._process = _Process(self._source, self._memory_mb)
        process = self._process
        process.send((str(path), raw_path, skip))
        left = self._seconds
        fit_for_more = False
        try:
            while True:
                kind, *content = process.receive(left, self._seconds)
                left -= process.waited
                if kind == "records":
                    for where, digest, fields in content[0]:
                        record = Record(**fields)
                        place.last = record.record or where
                        yield where, digest, record
                elif kind == "begin":
                    place.begun, place.path = content
                    place.last = ""
                    left = self._seconds
                elif kind == "end":
                    place.path = ""
                    left = self._seconds
                elif kind == "log":
                    LOG.log(*content)
                elif kind == "mistake":
                    raise InputError(content[0])
                else:
                    (fit_for_more,) = content
                    return
        finally:
            if not fit_for_more:
                self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None


class _Process:
    """The process that reads, seen from outside."""

    def __init__(self, source: Mapping[str, Any], memory_mb: float) -> None:
        self._memory_mb = memory_mb
        self._buffer = bytearray()
        #: Seconds that the last ``receive`` waited.
        self.waited = 0.0
        # What the libraries print; appended to, since both processes share its position.
        self._open = contextlib.ExitStack()
        self._printed = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        fcntl.fcntl(self._printed, fcntl.F_SETFL, os.O_APPEND)
        paths = [str(fingerprint.LIBRARY), os.environ.get("PYTHONPATH", "")]
        self._popen = subprocess.Popen(
            # Nothing beside the user's documents may pass for a module.
            [sys.executable, "-P", "-m", "malmoi.readers.worker", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            bufsize=0,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                # Each thread takes address space that no document needs.
                "ARROW_IO_THREADS": "1",
                "MALLOC_ARENA_MAX": "1",
                "OMP_NUM_THREADS": "1",
            },
        )
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._requests = self._open.enter_context(self._popen.stdin)
        self._answers = self._open.enter_context(self._popen.stdout).fileno()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        try:
            self.send((dict(source), memory_mb))
            kind, *content = self.receive(None, None)
        except _WorkerError as failure:
            said = self._tail().decode("utf-8", "replace")
            self.kill()
            message = f"the process that reads files cannot start: {failure}\n{said}"
            raise RuntimeError(message) from None
        if kind == "mistake":
            self.kill()
            raise InputError(content[0])

    def has_ended(self) -> bool:
        """Tell whether the process is gone, as when the kernel ended it because memory was short."""
        return self._popen.poll() is not None

    def send(self, message: Any) -> None:
        """Send a request; what was printed so far is forgotten."""
        os.ftruncate(self._printed.fileno(), 0)
        # The answer, or its absence, tells of a process that is gone.
        with contextlib.suppress(BrokenPipeError):
            _write(self._requests.fileno(), message)

    def receive(self, left: float | None, limit: float | None) -> tuple[Any, ...]:
        """Return the next message, waiting ``left`` of ``limit`` seconds, None without end.

        Raises:
            _WorkerError: the time is over, or the process is gone.
        """
        self.waited = 0.0
        while (size := self._size()) is None or len(self._buffer) < size:
            began = time.monotonic()
            wait = None if left is None else max(0.0, left - self.waited) * 1000
            if not self._poll.poll(wait):
                raise _WorkerError(f"too_slow: more than {limit:g} s")
            chunk = os.read(self._answers, _PIPE_BYTES)
            self.waited += time.monotonic() - began
            if not chunk:
                raise _EndedError(self._cause_of_death())
            self._buffer += chunk
        message = pickle.loads(memoryview(self._buffer)[_LENGTH.size : size])
        del self._buffer[:size]
        return message

    def _size(self) -> int | None:
        """Return the bytes of the next message with its length, None where that is not there yet."""
        if len(self._buffer) < _LENGTH.size:
            return None
        return _LENGTH.size + int(_LENGTH.unpack_from(self._buffer)[0])

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._popen.kill()
        self._popen.wait()
        self._open.close()

    def _cause_of_death(self) -> str:
        status = self._popen.wait()
        tail = self._tail()
        LOG.warning(
            "the process that reads files ended with status %d\n%s",
            status,
            tail.decode("utf-8", "replace"),
        )
        # Nobody else kills it: the limit of time ends it in another place.
        if status == -signal.SIGKILL:
            return "too_much_memory: the system ended the process"
        if status == _NO_MEMORY or _MEMORY_SAID.search(tail):
            return f"too_much_memory: more than {self._memory_mb:g} MB"
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return f"crashed: {name}"

    def _tail(self) -> bytes:
        descriptor = self._printed.fileno()
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, 4000, max(0, size - 4000))


def _write(descriptor: int, message: Any) -> None:
    content = pickle.dumps(message, protocol=5)
    for part in (_LENGTH.pack(len(content)), content):
        waiting = memoryview(part)
        while waiting:
            waiting = waiting[os.write(descriptor, waiting) :]


# The process's side ---------------------------------------------------------------------------------


class _Sender:
    """Sends messages to the caller, records in batches."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._skip = 0
        self._calls = 0
        self._skipped = ""
        self._batch: list[tuple[str, str, dict[str, Any]]] = []
        self._chars = 0

    def start(self, skip: int) -> None:
        """Begin a raw file; what comes until the ``skip``-th call of a reader is over was sent before."""
        self._skip = skip
        self._calls = 0
        self._skipped = ""

    def begin(self, path: str) -> bool:
        """Tell that a reader is given ``path``; return whether it shall read."""
        self._calls += 1
        if self._calls <= self._skip:
            self._skipped = path
            return False
        self.send("begin", self._calls, path)
        return True

    def add(self, where: str, digest: str, record: Record) -> None:
        """Send a record, at the latest with the next message."""
        if self._calls < self._skip or where == self._skipped:
            return
        self._batch.append((where, digest, vars(record)))
        self._chars += len(record.text)
        if len(self._batch) == _BATCH_RECORDS or self._chars >= _BATCH_CHARS:
            self.flush()

    def send(self, *message: Any) -> None:
        """Send a message after the records that wait."""
        self.flush()
        _write(self._descriptor, message)

    def flush(self) -> None:
        """Send the records that wait."""
        batch, self._batch, self._chars = self._batch, [], 0
        if batch:
            _write(self._descriptor, ("records", batch))


class _LogHandler(logging.Handler):
    """Hands log lines over to the caller, who has the log."""

    def __init__(self, sender: _Sender) -> None:
        super().__init__()
        self._sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        self._sender.send("log", record.levelno, "%s", self.format(record))


def _serve() -> None:
    _end_with(int(sys.argv[1]))
    # An interrupt is the caller's to handle; a crash leaves a trace of calls and no core file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    requests = os.fdopen(os.dup(0), "rb")
    sender = _Sender(os.dup(1))
    # What libraries print must not come between the messages.
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    LOG.handlers[:] = [_LogHandler(sender)]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False

    from malmoi.readers import files

    source, memory_mb = _received(requests)
    formats = ["auto", *files.READERS]
    if source.get("format", "auto") not in formats:
        wrong = f"source {source['name']}: format {source['format']!r}"
        sender.send("mistake", f"{wrong} is not one of {', '.join(formats)}")
    files.READERS.update({name: _told(read, sender) for name, read in files.READERS.items()})
    at_first = _resident_mb()
    sender.send("ready")
    while True:
        path, raw_path, skip = _received(requests)
        _limit_memory(memory_mb)
        sender.start(skip)
        short_of_memory = False
        try:
            for found in files.records_of(Path(path), raw_path, source):
                sender.add(*found)
        except InputError as error:
            sender.send("mistake", str(error))
        except MemoryError:
            short_of_memory = True
        # Here the frames that held the memory are gone.
        if short_of_memory:
            with contextlib.suppress(MemoryError):
                sender.flush()
            os._exit(_NO_MEMORY)
        # Memory that the libraries did not give back would make the limit one of many files.
        sender.send("done", _resident_mb() - at_first < memory_mb / 4)


def _told(read: Any, sender: _Sender) -> Any:
    """Return a reader that tells the caller what it is given before it opens it."""

    def reader(data: bytes, name: str, fields: Mapping[str, Any]) -> Iterator[Record]:
        if not sender.begin(name):
            return
        try:
            yield from read(data, name, fields)
        except ReadError:
            sender.send("end")
            raise
        sender.send("end")

    return reader


def _received(requests: Any) -> Any:
    header = requests.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        _leave()
    return pickle.loads(requests.read(_LENGTH.unpack(header)[0]))


def _leave() -> NoReturn:
    """End without the clean-up of libraries, which is where some of them crash."""
    os._exit(0)


def _end_with(parent: int) -> None:
    """Have the kernel end this process when the caller ends; elsewhere than on Linux the pipe's end does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _leave()


def _limit_memory(megabytes: float) -> None:
    """Limit the address space to what it is now and ``megabytes``; Linux only."""
    pages = _pages()
    if pages is not None:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = pages[0] * resource.getpagesize() + int(megabytes * 1e6)
        if most != resource.RLIM_INFINITY:
            wanted = min(wanted, most)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def _resident_mb() -> float:
    pages = _pages()
    return pages[1] * resource.getpagesize() / 1e6 if pages else 0.0


def _pages() -> tuple[int, int] | None:
    """Return the pages of address space and of memory in use, None where the system does not say."""
    try:
        total, resident = Path("/proc/self/statm").read_text().split()[:2]
    except OSError:
        return None
    return int(total), int(resident)


if __name__ == "__main__":
    _serve()
