"""A graph in onnxruntime, within limits of time and memory."""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, os_reason
from abawbench.entries.foreign.onnx_pads import with_fusible_pads

# bytes of the largest file: protocol buffers hold no more
LARGEST = 1 << 31
# bytes that the tensors of all graphs may take, where the machine has more than twice as many
LARGEST_TENSORS = 16 << 30
CORES = os.cpu_count() or 1
# seconds for a node to end after it is told to
GRACE_S = 1.0
# where a tensor names the file that holds its numbers
_OUTSIDE = re.compile(rb"\x0a\x08location\x12(.)", re.DOTALL)


@dataclass(eq=False)
class Graph:
    """A graph that runs on the CPU.

    Attributes:
        file: file of the graph.
        seconds: time that a run may take; the first one may take twice as long.
        session: session of onnxruntime.
    """

    file: Path
    seconds: float
    session: Any = field(repr=False)
    _runs: int = 0
    _late: ProblemError | None = None

    def run(self, outputs: Sequence[str], inputs: Sequence[Callable[[], Mapping[str, Any]]]) -> list[list[Any]]:
        """The outputs of the graph for several inputs, in the order of the inputs.

        Each input is computed on one core, as many side by side as there are cores, which takes less time than one
        after the other on all cores. This happens in threads of their own, so that Ctrl-C is heard meanwhile. A graph
        that was too slow once is not tried again.

        Args:
            outputs: names of the outputs.
            inputs: functions that make the inputs by name, each called in the thread that computes the outputs.

        Raises:
            ProblemError: E12, the graph takes longer than it may for all of the inputs.
            Exception: what onnxruntime or a function raises.
        """
        import onnxruntime

        if self._late is not None:
            raise self._late
        if not inputs:
            return []
        options = onnxruntime.RunOptions()
        todo = enumerate(inputs)
        results: dict[int, list[Any]] = {}
        errors: list[Exception] = []
        threads = min(len(inputs), CORES)
        left: list[None] = []
        # joining a thread would take an interrupt for its end
        ended = threading.Event()

        def work() -> None:
            try:
                for place, make in todo:
                    if errors:
                        break
                    results[place] = self.session.run(outputs, make(), options)
            except Exception as error:
                errors.append(error)
            finally:
                left.append(None)
                if len(left) == threads:
                    ended.set()

        limit = self.seconds * (1 if self._runs else 2)
        self._runs += 1
        for _ in range(threads):
            threading.Thread(target=work, daemon=True).start()
        try:
            ended.wait(limit)
        finally:
            is_late = not ended.is_set()
            if is_late:
                options.terminate = True
                # a node that does not end on demand is left behind
                ended.wait(GRACE_S)
        if is_late:
            expected = f"an end within settings.seconds = {self.seconds:g}"
            fix = "use a smaller --batch or raise settings.seconds, or correct a loop without end"
            problem = Problem("E12", f"a graph that computes for {limit:g} seconds", expected, fix, str(self.file))
            self._late = ProblemError(problem)
            raise self._late
        if errors:
            raise errors[0]
        return [results[place] for place in range(len(inputs))]


def open_graph(path: Path, seconds: float) -> Graph:
    """Open the graph in a file, which holds all of its weights.

    Raises:
        ProblemError: F01 the file cannot be read, E04 it is no graph, or names other files.
    """
    import onnxruntime

    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # each run has a core of its own
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    expected = "an ONNX graph with its weights inside"
    fix = "export it again in one file"
    try:
        # from bytes: a file of weights beside the graph would escape the checksum
        data = read_input(path, LARGEST)
    except OSError as error:
        raise ProblemError(Problem("F01", os_reason(error), expected, "check the path", str(path))) from error
    if (outside := _OUTSIDE.search(data)) is not None:
        name = data[outside.end() : outside.end() + outside[1][0]].decode("utf-8", "replace")
        raise ProblemError(Problem("E04", f"weights in another file, '{name}'", expected, fix, str(path)))
    try:
        session = onnxruntime.InferenceSession(with_fusible_pads(data), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base of their own
        reason = str(error).partition("\n")[0][:200]
        raise ProblemError(Problem("E04", reason, expected, fix, str(path))) from error
    return Graph(path, seconds, session)


@functools.cache
def _limit_memory() -> None:
    """Make tensors beyond the limit an error of the graph, where they would end the process."""
    import onnxruntime

    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg({"max_mem": min(LARGEST_TENSORS, physical // 2)})
    onnxruntime.create_and_register_allocator(place, arena)
