"""Ctrl-C and SIGTERM: the command says what is kept and how to go on, and ends within two seconds."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

# what a verb that goes on keeps when it is stopped
RESUMED = {
    "data fetch": "what was downloaded",
    "demo": "each finished step",
    "extract": "every finished unit",
    "faces": "every finished video",
    "mailroom": "every mail and trial that was read",
    "predict": "every finished unit",
    "pretrain": "the last saved state",
    "synth": "every finished unit",
    "synthesise": "every finished unit",
    "train": "the last saved state",
}
# what a verb has done that changes what is there piece by piece
REPEATED = {"cache gc": "what was removed is gone", "leaderboard build": "the tables that were written stay"}
# exit status by signal, as a shell gives it
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
# seconds that the command has to end by itself
LATEST_S = 1.5


class Stopped(BaseException):
    """Raised in the main thread where the command is stopped."""


@dataclass(eq=False)
class _Stop:
    """The state of stopping.

    Attributes:
        words: words of the command line.
        stderr: where the message goes, which a verb may redirect meanwhile.
        numbers: socket that gets the number of each signal.
        status: exit status; None until a signal comes.
        is_told: set once the message is out.
    """

    words: Sequence[str]
    stderr: TextIO
    numbers: socket.socket
    status: int | None = None
    is_told: threading.Event = field(default_factory=threading.Event)


_active = threading.Lock()
_ended: list[_Stop] = []


@contextmanager
def stoppable(words: Sequence[str]) -> Generator[None]:
    """Let Ctrl-C and SIGTERM stop a command; a command that it runs itself belongs to it.

    The exit status is then 130 or 143. A thread tells what is kept, so that a library that does not return in time
    delays nothing: files appear whole, and workers end with their process.

    Args:
        words: words of the command line, for the message.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not _active.acquire(blocking=False):
        yield
        return
    near, far = socket.socketpair()
    far.setblocking(False)
    stop = _Stop(words, sys.stderr, far)

    def raise_stopped(number: int, frame: object) -> None:
        del frame
        if stop.status is None:
            stop.status = STATUS[signal.Signals(number)]
            raise Stopped

    earlier = {number: signal.signal(number, raise_stopped) for number in STATUS}
    earlier_fd = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(near, stop), daemon=True).start()
    try:
        yield
    except BaseException:
        # what fails because it is stopped in the middle is no failure of its own
        if stop.status is None:
            raise
    finally:
        if stop.status is None:
            signal.set_wakeup_fd(earlier_fd)
            for number, handler in earlier.items():
                signal.signal(number, handler)
            far.close()
        _active.release()
    if stop.status is not None:
        stop.is_told.wait(LATEST_S)
        # the interpreter, as it ends, lets a further signal end it with another status
        for number in STATUS:
            signal.signal(number, signal.SIG_IGN)
        # the thread goes on watching, since threads of libraries may hold up the end
        _ended.append(stop)
        sys.exit(stop.status)


def _watch(signals: socket.socket, stop: _Stop) -> None:
    """Tell what is kept as soon as a signal comes, and end the process where it does not end by itself."""
    with signals:
        status = _next(signals)
        if status is None:
            return
        with suppress(OSError, ValueError):
            stop.stderr.write(f"\n{message(stop.words)}\n")
            stop.stderr.flush()
        stop.is_told.set()
        signals.settimeout(LATEST_S)
        with suppress(TimeoutError):
            _next(signals)
    os._exit(status)


def _next(signals: socket.socket) -> int | None:
    """The exit status for the next signal; None where there will be none."""
    while number := signals.recv(1):
        if number[0] in set(STATUS):
            return STATUS[signal.Signals(number[0])]
    return None


def message(words: Sequence[str]) -> str:
    """What a command says that is stopped: what is kept, and which command goes on."""
    names = [word for word in words if not word.startswith("-")]
    verb = next((verb for verb in (*RESUMED, *REPEATED) if verb.split() == names[: len(verb.split())]), None)
    command = shlex.join(["abawbench", *words])
    if verb in RESUMED:
        return f"stopped: {RESUMED[verb]} is kept; the same command ({command}) goes on from there"
    if verb in REPEATED:
        return f"stopped: {REPEATED[verb]}; the same command ({command}) does the rest"
    return "stopped: nothing was changed"
