"""All videos, one after another or in several processes, into one folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.problems import Problem, ProblemError, unreadable, unwritable
from abawbench.base.ray_pool import spread
from abawbench.base.run_lock import only_run, stay_with_parent
from abawbench.faces import store
from abawbench.faces.detector import Detector, weights_path
from abawbench.faces.extract import Settings, extract, key
from abawbench.faces.overrides import COLUMNS, Override, read_overrides
from abawbench.faces.reports import write_reports
from abawbench.faces.sources import Source, sources

if TYPE_CHECKING:
    from concurrent.futures import Future

OVERRIDES = "overrides.csv"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        videos: finished, and in all.
        frames: done, and expected in all as headers say; 0 where they say nothing.
        seconds: since the run began.
    """

    videos: tuple[int, int]
    frames: tuple[int, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one video.

    Attributes:
        facts: of its index; None where it has none.
        is_kept: True where it was finished before.
        problems: what is wrong with it.
    """

    facts: Mapping[str, Any] | None
    is_kept: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        videos: of the input, those left out too.
        made: videos done now.
        kept: videos that were finished before.
        units: of the videos made and kept.
        frames: of the videos made and kept.
        crops: of the videos made and kept.
        seconds: the run took.
        problems: everything that was left out, and why.
    """

    videos: int
    made: int
    kept: int
    units: tuple[str, ...]
    frames: int
    crops: int
    seconds: float
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """The summary as `--json` prints it."""
        return {
            "videos": self.videos,
            "made": self.made,
            "kept": self.kept,
            "units": list(self.units),
            "frames": self.frames,
            "crops": self.crops,
            "seconds": round(self.seconds, 2),
            "problems": [problem.to_json() for problem in self.problems],
        }


@dataclass(eq=False)
class Worker:
    """What a process needs to do videos; loads the network when the first one needs it."""

    out: Path
    weights: Path
    settings: Settings
    overrides: Mapping[str, Sequence[Override]]
    tick: Callable[[int], None]
    detector: Detector | None = field(default=None)

    def do(self, source: Source) -> Result:
        """Make a video's crops and index, unless they are there already."""
        rows = self.overrides.get(source.name, ())
        try:
            digest = source.digest()
            known = store.read_facts(store.index_file(self.out, source.name))
            if known is not None and known["key"] == key(digest, self.settings, rows) and self._has_crops(known):
                self.tick(known["frames"])
                return Result(known, True, _problems(source, known))
            facts = self._made(source, rows, digest)
        except ProblemError as error:
            return Result(None, False, error.problems)
        except OSError as error:
            fix = "check its rights and the free space, then run again"
            return Result(None, False, unwritable(source.path, error, fix=fix).problems)
        return Result(facts, False, _problems(source, facts))

    def _has_crops(self, known: Mapping[str, Any]) -> bool:
        return all((self.out / store.CROPS / unit).is_dir() for unit in known["units"])

    def _made(self, source: Source, rows: Sequence[Override], digest: str) -> Mapping[str, Any]:
        if self.detector is None:
            self.detector = Detector(self.weights)
        work = store.new_work(self.out, source.name)
        try:
            facts = extract(source, work, self.detector, self.settings, rows, digest, self.tick)
            store.commit(self.out, source.name, facts["units"])
        except BaseException:
            store.discard(work)
            raise
        return facts


def _problems(source: Source, facts: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The problems that an index remembers, and E03 where nobody asked for a video without units."""
    found = [Problem(**problem) for problem in facts["problems"]]
    if not facts["units"] and not any(row[2] == "none" for row in facts["key"]["overrides"]):
        seen = "no face"
        if source.kind != "photo":
            seen = f"{'faces in passing only' if facts['tracks'] else seen} in {facts['frames']:,} frames"
        fix = f"leave it out, or add '{source.name},,,none' to {OVERRIDES}"
        found.append(Problem("E03", seen, "a face that stays", fix, str(source.path)))
    return tuple(found)


def run(
    videos: Path,
    out: Path,
    settings: Settings,
    *,
    workers: int = 1,
    weights: Path | None = None,
    address: str | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Faces of all videos under a path, and the audit of the folder they go to.

    Args:
        videos: a video, a picture, or a folder.
        out: the folder of crops, indexes and audit; made if it is not there.
        settings: how faces are found and cropped.
        workers: processes at work at once, one video each; the output is the same for any number.
        weights: YuNet's file; found by itself where not given.
        address: of a Ray cluster that does the videos, see `data.spread.cluster`; processes of this machine where not
            given. Its machines see the same folders.
        report: is told how far the run is, a few times a second at most.

    Raises:
        ProblemError: nothing can be done at all: F01 or D30 for the input, F04 or D34 in the overrides, F01 or E04 for
            the weights, D36 when another run is at work. What concerns one video is in the summary.
    """
    begin = time.perf_counter()
    found, left_out = sources(videos)
    network = weights_path(weights)
    _prepare(out)
    with only_run(out):
        store.recover(out)
        if not (out / OVERRIDES).exists():
            store.put(out, OVERRIDES, ",".join(COLUMNS) + "\n")
        overrides = read_overrides(out / OVERRIDES)
        template = Worker(out, network, settings, overrides, lambda _: None)
        meter = _Meter(found, begin, report)
        if address is None:
            results = dict(_results(template, found, min(workers, len(found)), meter))
        else:
            results = dict(_on_cluster(template, found, address, workers, meter))
        problems = [*left_out, *(problem for source in found for problem in results[source.name].problems)]
        try:
            write_reports(out, problems)
        except ProblemError as error:
            problems += error.problems
        store.clear(out)
    finished = [result for source in found if (result := results[source.name]).facts is not None]
    facts = [result.facts for result in finished if result.facts is not None]
    return Summary(
        videos=len(found) + len({problem.file for problem in left_out}),
        made=sum(not result.is_kept for result in finished),
        kept=sum(result.is_kept for result in finished),
        units=tuple(unit for fact in facts for unit in fact["units"]),
        frames=sum(fact["frames"] for fact in facts),
        crops=sum(fact["crops"] for fact in facts),
        seconds=time.perf_counter() - begin,
        problems=tuple(problems),
    )


def _prepare(out: Path) -> None:
    try:
        (out / store.CROPS).mkdir(parents=True, exist_ok=True)
        (out / store.INDEX).mkdir(exist_ok=True)
    except OSError as error:
        raise unreadable(out, error) from error


class _Meter:
    """Adds up what is done, and reports it now and then."""

    PAUSE_S = 0.5

    def __init__(self, found: Sequence[Source], begin: float, report: Callable[[Progress], None]) -> None:
        self._report, self._begin, self._last = report, begin, 0.0
        self._videos, self._total = 0, len(found)
        self._frames, self._expected = 0, sum(source.expected() for source in found)

    def frames(self, count: int) -> None:
        self._frames += count
        now = time.perf_counter()
        if now - self._last >= self.PAUSE_S:
            self._last = now
            self._tell(now)

    def video(self) -> None:
        self._videos += 1
        if self._videos == self._total:
            self._tell(time.perf_counter())

    def _tell(self, now: float) -> None:
        done, expected = self._frames, max(self._expected, self._frames)
        self._report(Progress((self._videos, self._total), (done, expected), now - self._begin))


def _results(template: Worker, found: Sequence[Source], workers: int, meter: _Meter) -> Generator[tuple[str, Result]]:
    if workers > 1:
        yield from _in_processes(template, found, workers, meter)
        return
    import cv2

    threads = cv2.getNumThreads()
    # one thread for the network, one for decoding: as in a process that serves a run
    cv2.setNumThreads(1)
    template.tick = meter.frames
    try:
        for source in found:
            yield source.name, template.do(source)
            meter.video()
    finally:
        cv2.setNumThreads(threads)


_served: dict[str, Any] = {}


def _begin_process(worker: Worker, parent: int, queue: Any) -> None:
    import cv2

    cv2.setNumThreads(1)
    _served["lock"] = stay_with_parent(worker.out, parent)
    worker.tick = queue.put
    _served["worker"] = worker


def _serve(source: Source) -> Result:
    return _served["worker"].do(source)


def _in_processes(
    template: Worker, found: Sequence[Source], workers: int, meter: _Meter
) -> Generator[tuple[str, Result]]:
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from queue import Empty

    # a forked process would inherit the threads' locks of OpenCV and PyAV, but not the threads
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    plain = Worker(template.out, template.weights, template.settings, template.overrides, _silent)
    setup = (plain, os.getpid(), queue)
    # the longest first, lest one process be left alone with it at the end
    order = sorted(found, key=lambda source: -source.weight())
    with ProcessPoolExecutor(workers, context, _begin_process, setup) as pool:
        waiting: dict[Future[Result], Source] = {pool.submit(_serve, source): source for source in order}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                with suppress(Empty):
                    while True:
                        meter.frames(queue.get_nowait())
                for future in done:
                    source = waiting.pop(future)
                    yield source.name, _result(future, source)
                    meter.video()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _on_cluster(
    template: Worker, found: Sequence[Source], address: str, workers: int, meter: _Meter
) -> Generator[tuple[str, Result]]:
    out, weights = template.out.resolve(), template.weights.resolve()
    worker = Worker(out, weights, template.settings, template.overrides, _silent)
    order = [
        replace(source, path=source.path.resolve(), files=tuple(file.resolve() for file in source.files))
        for source in found
    ]
    order.sort(key=lambda source: -source.weight())
    for source, result in spread(partial(_served_far, worker), order, address, workers):
        meter.frames(0 if result.facts is None else result.facts["frames"])
        yield source.name, result
        meter.video()


def _served_far(worker: Worker, source: Source) -> Result:
    import cv2

    cv2.setNumThreads(1)
    return worker.do(source)


def _result(future: Future[Result], source: Source) -> Result:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        found = "a process of the run was ended from outside"
        fix = "run again, with fewer --workers where memory is short"
        return Result(None, False, (Problem("D37", found, "a run to its end", fix, str(source.path)),))


def _silent(_: int) -> None:
    pass
