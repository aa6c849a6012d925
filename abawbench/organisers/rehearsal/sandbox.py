"""Running a program in a clean process: bounded in time, memory and output, and ended with all of its children."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from abawbench.organisers.rehearsal.profiles import MEMORY_LIMIT, TIME_LIMIT_S, Profile

# bytes of standard output, and of standard error, that are kept; the rest is read and thrown away
MOST_OUTPUT = 64 << 10
# bytes of the largest file that a program may write
LARGEST_FILE = 1 << 30
# seconds that a program which was killed has to be gone
PATIENCE_S = 10.0
# sets the bounds of itself, then becomes the program; a function between fork and exec could hang in threads
_BOUND = """import os, resource, sys
for kind, bound in ((resource.RLIMIT_AS, sys.argv[1]), (resource.RLIMIT_FSIZE, sys.argv[2]), (resource.RLIMIT_CORE, 0)):
    hard = resource.getrlimit(kind)[1]
    value = int(bound) if hard == resource.RLIM_INFINITY else min(int(bound), hard)
    resource.setrlimit(kind, (value, value))
try:
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as error:
    sys.exit(f"{sys.argv[3]}: {error.strerror}")
"""
_REFUSES_SOCKETS = '''"""Refuses every socket: written by `abawbench rehearse`."""
import socket


def _refuse(*args, **named):
    raise OSError(101, "Network is unreachable")


socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = _refuse
socket.getaddrinfo = _refuse
'''


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run.

    Attributes:
        time_s: seconds of the clock.
        memory: bytes of memory of a process.
    """

    time_s: float = TIME_LIMIT_S
    memory: int = MEMORY_LIMIT

    def under(self, profile: Profile) -> Limits:
        """The bounds that a profile leaves."""
        return Limits(self.time_s * profile.time_share, int(self.memory * profile.memory_share))


@dataclass(frozen=True, slots=True)
class Run:
    """What a program did.

    Attributes:
        status: exit status; negative where a signal ended it.
        is_late: True where it was killed at the time limit.
        output: beginning of standard output.
        errors: beginning of standard error.
        seconds: time of the clock.
        remarks: which conditions could not be set here, or are set in another way.
    """

    status: int
    is_late: bool
    output: str
    errors: str
    seconds: float
    remarks: tuple[str, ...] = ()


# process groups that run now
_running: set[int] = set()


@contextmanager
def programs_end_with_us() -> Generator[None]:
    """End every program that runs, where the block is left by an exception: an interrupted verb waits for none."""
    try:
        yield
    except BaseException:
        for group in tuple(_running):
            _end(group)
        raise


def _end(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


@functools.cache
def can_unshare(*options: str) -> bool:
    """True if the system lets this user run a program with these options of `unshare`."""
    tool = shutil.which("unshare")
    if tool is None:
        return False
    try:
        called = subprocess.run([tool, *options, "true"], check=False, capture_output=True, timeout=PATIENCE_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return called.returncode == 0


def run_program(
    command: Sequence[str],
    folder: Path,
    work: Path,
    *,
    limits: Limits,
    profile: Profile,
    more: Mapping[str, str] | None = None,
) -> Run:
    """Run a program with nothing of this process's environment, and end it and its children.

    Args:
        command: the program and its arguments.
        folder: folder in which it runs.
        work: folder that may be written, for temporary files and as home.
        limits: bounds of the run, before those of the profile.
        profile: conditions of the run.
        more: further variables of the environment.
    """
    bounds = limits.under(profile)
    home = work / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # one thread: what several reserve would count as memory
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **(more or {}),
    }
    wrapped, remarks = _wrapped(profile, home, environment)
    begin = time.monotonic()
    with subprocess.Popen(  # noqa: S603
        [*wrapped, sys.executable, "-I", "-S", "-c", _BOUND, str(bounds.memory), str(LARGEST_FILE), *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        kept = [_Kept(process.stdout), _Kept(process.stderr)]
        is_late = False
        _running.add(process.pid)
        try:
            process.wait(bounds.time_s)
        except subprocess.TimeoutExpired:
            is_late = True
        finally:
            # children, too, that a program has left behind
            _end(process.pid)
            process.wait(PATIENCE_S)
            _running.discard(process.pid)
        output, errors = (part.text() for part in kept)
    return Run(process.returncode, is_late, output, errors, time.monotonic() - begin, remarks)


class _Kept:
    """The beginning of a stream, which a thread reads to its end so that the program never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._data = b""
        self._more = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            while piece := os.read(self._stream.fileno(), 1 << 16):
                room = MOST_OUTPUT - len(self._data)
                self._data += piece[:room]
                self._more += len(piece) - len(piece[:room])

    def text(self) -> str:
        self._thread.join(PATIENCE_S)
        more = f"\n[{self._more:,} more bytes]\n" if self._more else ""
        return self._data.decode("utf-8", "replace") + more


def _wrapped(profile: Profile, home: Path, environment: dict[str, str]) -> tuple[list[str], tuple[str, ...]]:
    """Programs in front of the command that set the conditions of a profile, and remarks on those set otherwise."""
    remarks: list[str] = []
    options = [option for option in ("--pid", "--net") if option != "--net" or profile.has_no_network]
    options = ["--fork", "--kill-child", *options]
    wrapped: list[str] = []
    for user in ((), ("--user", "--map-root-user")):
        if can_unshare(*user, *options):
            wrapped = ["unshare", *user, *options]
            break
    if profile.has_no_network and not wrapped:
        (home / "sitecustomize.py").write_text(_REFUSES_SOCKETS)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(home), environment.get("PYTHONPATH"))))
        remarks.append("no network: sockets of Python are refused, since `unshare --net` is not allowed here")
    dropped, remark = _dropped(profile)
    if dropped:
        wrapped += ["setpriv", f"--bounding-set=-{dropped}", f"--inh-caps=-{dropped}"]
    return wrapped, (*remarks, *remark)


def _dropped(profile: Profile) -> tuple[str, tuple[str, ...]]:
    """The capabilities that a program has to lose, and a remark where it keeps them."""
    is_root, has_tool = os.geteuid() == 0, shutil.which("setpriv") is not None
    if profile.has_no_capabilities:
        if is_root and has_tool:
            return "all", ()
        why = "there is no `setpriv` here" if is_root else "this user is not root"
        return "", (f"root without capabilities: not set, {why}",)
    if profile.is_read_only and is_root:
        # root writes whatever the rights of a file say, unless this is taken away
        return ("dac_override", ()) if has_tool else ("", ("read-only: not set, root writes all, no `setpriv` here",))
    return "", ()
