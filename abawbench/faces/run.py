"""Faces of all videos into one folder: one video after another, in several processes, or on a Ray cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import check_output
from abawbench.base.problems import Problem, ProblemError, together, unreadable, unwritable
from abawbench.base.ray_pool import spread
from abawbench.base.run_lock import end_workers, only_run, stay_with_parent, without_interrupts
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import read_crop, write_crop
from abawbench.clips.crop_index import CROPS, INDEX, index_file, index_files, read_facts
from abawbench.faces import work_folder
from abawbench.faces.audit import write_audit
from abawbench.faces.detector import Detector, weights_path
from abawbench.faces.overrides import COLUMNS, Override, read_overrides
from abawbench.faces.sources import Source, find_sources
from abawbench.faces.video_crops import FaceSettings, crop_video, video_key

if TYPE_CHECKING:
    from concurrent.futures import Future

OVERRIDES = "overrides.csv"


@dataclass(frozen=True, slots=True)
class FacesProgress:
    """The progress of a run.

    Attributes:
        videos: number of videos finished, and number of all videos.
        frames: number of frames done, and number of all frames as the headers promise it; 0 where they promise none.
        seconds: time since the run began.
    """

    videos: tuple[int, int]
    frames: tuple[int, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class VideoResult:
    """The outcome of one video.

    Attributes:
        facts: facts of the video's index; None if the video has no index.
        is_kept: True if an earlier run had finished the video.
        problems: problems of the video.
    """

    facts: Mapping[str, Any] | None
    is_kept: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FacesSummary:
    """The outcome of a run.

    Attributes:
        videos: number of videos in the input, those left out included.
        made: number of videos that this run finished.
        kept: number of videos that an earlier run had finished.
        units: names of the units of all finished videos.
        frames: number of frames of all finished videos.
        crops: number of crops of all finished videos.
        seconds: duration of the run.
        problems: problems of everything that was left out; what is alike in several videos is told once.
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
        problems = [problem.to_json() for problem in self.problems]
        return {**asdict(self), "seconds": round(self.seconds, 2), "problems": problems}


@dataclass(eq=False)
class VideoWorker:
    """Work on videos, as it is sent to a process.

    Attributes:
        out: output folder.
        weights: path of YuNet's weights.
        settings: settings of detection and cropping.
        overrides: rows of the overrides file, by video.
        tick: function that is called with the number of frames done since its last call.
        detector: the network; loaded when the first video needs it.
    """

    out: Path
    weights: Path
    settings: FaceSettings
    overrides: Mapping[str, Sequence[Override]]
    tick: Callable[[int], None]
    detector: Detector | None = field(default=None)

    def process(self, source: Source) -> VideoResult:
        """Make the crops and the index of a video, unless an earlier run finished it."""
        rows = self.overrides.get(source.name, ())
        try:
            digest = source.digest()
            known = read_facts(index_file(self.out, source.name))
            if known is not None and known["key"] == video_key(digest, self.settings, rows) and self._has_crops(known):
                self.tick(known["frames"])
                return VideoResult(known, True, _problems(source, known))
            facts = self._make(source, rows, digest)
        except ProblemError as error:
            return VideoResult(None, False, error.problems)
        except OSError as error:
            fix = "check its rights and the free space, then run again"
            return VideoResult(None, False, unwritable(source.path, error, fix=fix).problems)
        return VideoResult(facts, False, _problems(source, facts))

    def _has_crops(self, known: Mapping[str, Any]) -> bool:
        return all((self.out / CROPS / unit).is_dir() for unit in known["units"])

    def _make(self, source: Source, rows: Sequence[Override], digest: str) -> Mapping[str, Any]:
        if self.detector is None:
            self.detector = Detector(self.weights)
        work = work_folder.begin_work(self.out, source.name)
        try:
            facts = crop_video(source, work, self.detector, self.settings, rows, digest, self.tick)
            work_folder.commit(self.out, source.name, facts["units"])
        except BaseException:
            work_folder.discard(work)
            raise
        return facts


def _problems(source: Source, facts: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The problems recorded in an index, and E03 for a video without units, unless an override asks for none."""
    found = [Problem(**problem) for problem in facts["problems"]]
    if not facts["units"] and not any(row[2] == "none" for row in facts["key"]["overrides"]):
        seen = "no face"
        if source.kind != "photo":
            seen = f"{'faces in passing only' if facts['tracks'] else seen} in {facts['frames']:,} frames"
        fix = f"leave it out, or add '{source.name},,,none' to {OVERRIDES}"
        found.append(Problem("E03", seen, "a face that stays", fix, str(source.path)))
    return tuple(found)


def crop_faces(
    videos: Path,
    out: Path,
    settings: FaceSettings,
    *,
    workers: int = 1,
    weights: Path | None = None,
    address: str | None = None,
    report: Callable[[FacesProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> FacesSummary:
    """Crop the faces of all videos under a path, and audit the output folder.

    Args:
        videos: a video, a picture, or a folder of them.
        out: folder for crops, indexes and audit; made if it does not exist.
        settings: settings of detection and cropping.
        workers: number of processes, one video each; the output is the same for any number.
        weights: path of YuNet's weights; see `weights_path` for the default.
        address: address of a Ray cluster that sees the same folders (see `abawbench.base.ray_pool.cluster`); by
            default, processes of this machine do the work.
        report: function that is called with the progress of the run, at most twice a second.
        resumed: function that is called once with the numbers of videos that an earlier run finished, unless they have
            changed since, and of all videos.

    Raises:
        ProblemError: nothing can be done at all: F01 or D30 for the input, F12 the folder is the input, F04 or D34 for
            the overrides, F01 or E04 for the weights, D36 while another run works in the folder, D38 the folder holds
            crops of another kind or size. Problems of single videos are in the summary.
    """
    begin = time.perf_counter()
    check_output(out, videos)
    found, left_out = find_sources(videos)
    network = weights_path(weights)
    _prepare(out)
    with only_run(out):
        work_folder.recover(out)
        _settle_crop(out, settings.crop)
        if not (out / OVERRIDES).exists():
            work_folder.put_file(out, OVERRIDES, ",".join(COLUMNS) + "\n")
        overrides = read_overrides(out / OVERRIDES)
        worker = VideoWorker(out, network, settings, overrides, _ignore)
        resumed(sum(index_file(out, source.name).is_file() for source in found), len(found))
        progress = _Progress(found, begin, report)
        if address is not None:
            results = dict(_on_cluster(worker, found, address, workers, progress))
        elif min(workers, len(found)) > 1:
            results = dict(_in_processes(worker, found, min(workers, len(found)), progress))
        else:
            results = dict(_in_this_process(worker, found, progress))
        problems = [("", problem) for problem in left_out]
        problems += [(source.name, problem) for source in found for problem in results[source.name].problems]
        try:
            write_audit(out, [problem for _, problem in problems])
        except ProblemError as error:
            problems += [("", problem) for problem in error.problems]
        work_folder.clear(out)
    finished = [result for source in found if (result := results[source.name]).facts is not None]
    facts = [result.facts for result in finished if result.facts is not None]
    return FacesSummary(
        videos=len(found) + len({(problem.file, problem.found) for problem in left_out}),
        made=sum(not result.is_kept for result in finished),
        kept=sum(result.is_kept for result in finished),
        units=tuple(unit for fact in facts for unit in fact["units"]),
        frames=sum(fact["frames"] for fact in facts),
        crops=sum(fact["crops"] for fact in facts),
        seconds=time.perf_counter() - begin,
        problems=together(problems),
    )


def _prepare(out: Path) -> None:
    try:
        (out / CROPS).mkdir(parents=True, exist_ok=True)
        (out / INDEX).mkdir(exist_ok=True)
    except OSError as error:
        raise unreadable(out, error) from error


def _settle_crop(out: Path, crop: Crop) -> None:
    """Write down what the crops of a folder are. Raises: ProblemError D38, it holds others; F01."""
    described = read_crop(out / CROPS)
    if described is None:
        held = {Crop.from_json(facts["key"]) for path in index_files(out) if (facts := read_facts(path)) is not None}
    else:
        held = {described} if any(path.is_dir() for path in (out / CROPS).iterdir()) else set[Crop]()
    if others := held - {crop}:
        found, expected = (f"{one.name} of {one.size} pixels" for one in (others.pop(), crop))
        fix = f"name another folder, or remove {CROPS} and {INDEX} from this one to cut all faces anew"
        raise ProblemError(Problem("D38", f"crops {found}", expected, fix, str(out)))
    if described != crop:
        write_crop(out / CROPS, crop)


class _Progress:
    """Adds up the work done, and reports it now and then."""

    PAUSE_S = 0.5

    def __init__(self, found: Sequence[Source], begin: float, report: Callable[[FacesProgress], None]) -> None:
        self._report, self._begin, self._last = report, begin, 0.0
        self._videos, self._total = 0, len(found)
        self._frames, self._expected = 0, sum(source.expected_frames() for source in found)

    def add_frames(self, count: int) -> None:
        self._frames += count
        now = time.perf_counter()
        if now - self._last >= self.PAUSE_S:
            self._last = now
            self._send(now)

    def add_video(self) -> None:
        self._videos += 1
        if self._videos == self._total:
            self._send(time.perf_counter())

    def _send(self, now: float) -> None:
        done, expected = self._frames, max(self._expected, self._frames)
        self._report(FacesProgress((self._videos, self._total), (done, expected), now - self._begin))


def _ignore(_: int) -> None:
    """Discard progress; a function of the module, so that a worker can be pickled."""


Results = Generator[tuple[str, VideoResult]]


def _in_this_process(worker: VideoWorker, found: Sequence[Source], progress: _Progress) -> Results:
    import cv2

    threads = cv2.getNumThreads()
    # one thread for the network and one for decoding, as in the processes of a parallel run
    cv2.setNumThreads(1)
    worker.tick = progress.add_frames
    try:
        for source in found:
            yield source.name, worker.process(source)
            progress.add_video()
    finally:
        cv2.setNumThreads(threads)


# the worker of a process, and the lock that it holds
_process: dict[str, Any] = {}


def _start_process(worker: VideoWorker, parent: int, queue: Any) -> None:
    import cv2

    cv2.setNumThreads(1)
    _process["lock"] = stay_with_parent(worker.out, parent)
    worker.tick = queue.put
    _process["worker"] = worker


def _work_in_process(source: Source) -> VideoResult:
    return _process["worker"].process(source)


def _in_processes(worker: VideoWorker, found: Sequence[Source], workers: int, progress: _Progress) -> Results:
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from queue import Empty

    # a forked process would inherit the threads' locks of OpenCV and PyAV, but not the threads
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(workers, context, _start_process, (worker, os.getpid(), queue)) as pool:
        with without_interrupts():
            waiting: dict[Future[VideoResult], Source] = {
                pool.submit(_work_in_process, source): source for source in _largest_first(found)
            }
        try:
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                with suppress(Empty):
                    while True:
                        progress.add_frames(queue.get_nowait())
                for future in done:
                    source = waiting.pop(future)
                    yield source.name, _result(future, source)
                    progress.add_video()
        except BaseException:
            end_workers()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _result(future: Future[VideoResult], source: Source) -> VideoResult:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        found = "a process of the run was killed"
        fix = "run again, with fewer --workers where memory is short"
        return VideoResult(None, False, (Problem("D37", found, "a run to its end", fix, str(source.path)),))


def _on_cluster(
    worker: VideoWorker, found: Sequence[Source], address: str, workers: int, progress: _Progress
) -> Results:
    worker = replace(worker, out=worker.out.resolve(), weights=worker.weights.resolve())
    resolved = [
        replace(source, path=source.path.resolve(), files=tuple(file.resolve() for file in source.files))
        for source in _largest_first(found)
    ]
    for source, result in spread(partial(_work_on_cluster, worker), resolved, address, workers):
        progress.add_frames(0 if result.facts is None else result.facts["frames"])
        yield source.name, result
        progress.add_video()


def _work_on_cluster(worker: VideoWorker, source: Source) -> VideoResult:
    import cv2

    cv2.setNumThreads(1)
    return worker.process(source)


def _largest_first(found: Sequence[Source]) -> list[Source]:
    """The sources by size, so that no parallel worker is left with a large video at the end."""
    return sorted(found, key=lambda source: -source.size_in_bytes())
