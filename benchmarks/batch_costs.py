"""What an edition of a challenge costs its organisers: rates measured here, and what 500 teams make of them."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.files import write_text
from abawbench.challenges import get
from abawbench.challenges.model import is_assumed
from abawbench.cli.output import duration
from abawbench.formats import read_truth
from abawbench.organisers.batch.judge import Job, judge
from abawbench.scoring.intervals import RESAMPLES, Resampling
from benchmarks.batch import random_columns, row_names, write_rows
from benchmarks.pages import filled

PAGE = Path("docs/scoring_many.md")
BEGIN = "<!-- python -m benchmarks batch_costs -->"
TRACKS = ("abaw10-va", "abaw10-expr", "abaw10-au")
TEAMS, TRIALS = 500, 5
CORES = (2, 16, 160)
# predictions that are judged; the first of them also reads what all need
JUDGED = 6


@dataclass(frozen=True, slots=True)
class Rates:
    """What one submission of a track costs.

    Attributes:
        rows: number of rows of the test set.
        units: number of its videos, or of persons in videos.
        is_assumed: True where the records do not know one of the two.
        reading: processor seconds for the truth and the list, once for each process.
        jackknife: processor seconds for checking, reading and scoring, with jackknife intervals.
        resampled: the same with bootstrap intervals, as `--json` gives them.
        peak: bytes of memory of one process at most.
        plain: bytes of the file.
        packed: bytes of the file in a zip.
    """

    rows: int
    units: int
    is_assumed: bool
    reading: float
    jackknife: float
    resampled: float
    peak: float
    plain: int
    packed: int


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a track in a folder, and the size of its test set."""

    name: str
    folder: Path
    rows: int
    units: int
    is_assumed: bool

    @property
    def predictions(self) -> list[Path]:
        """The predictions."""
        return [self.folder / f"team{place}.txt" for place in range(JUDGED)]


def write_track(name: str, folder: Path) -> Files:
    """Write truth, list, predictions and a zip of one of them, of the size of a track's test set."""
    challenge = get(name)
    size = challenge.sizes["test"]
    # those of valence and arousal, where the record of a track has none
    units, rows = size.units or 162, size.rows or 927_210
    doubt = size.units is None or size.rows is None or is_assumed(challenge, "sizes.test.rows", "sizes.test", "sizes")
    files = Files(name, folder, rows, units, doubt)
    names = row_names(units, rows // units + 1).slice(0, rows)
    write_rows(folder / "list.txt", challenge, names, [])
    write_rows(folder / "truth.txt", challenge, names, random_columns(challenge, rows, 0, is_truth=True))
    for place, path in enumerate(files.predictions):
        write_rows(path, challenge, names, random_columns(challenge, rows, place + 1, is_truth=False))
    with zipfile.ZipFile(folder / "team0.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(files.predictions[0], "trial-0.txt")
    return files


def measure(files: Files) -> Rates:
    """Measure the rates of a track. Raises: RuntimeError, a prediction is refused."""
    challenge, folder = get(files.name), files.folder
    begin = time.process_time()
    truth = read_truth(challenge, folder / "truth.txt")
    reading = time.process_time() - begin
    jobs = {
        resamples: Job(challenge, truth, folder / "list.txt", resampling=Resampling(resamples), key="one")
        for resamples in (0, RESAMPLES)
    }
    seconds: dict[int, list[float]] = {resamples: [] for resamples in jobs}
    for path in files.predictions:
        for resamples, job in jobs.items():
            begin = time.process_time()
            judged = judge(job, path.stem, path)
            seconds[resamples].append(time.process_time() - begin)
            if judged.score is None:
                raise RuntimeError(f"{path}: {judged.problems}")
    first, *others = seconds[0]
    jackknife, resampled = statistics.median(others), statistics.median(seconds[RESAMPLES][1:])
    return Rates(
        files.rows,
        files.units,
        files.is_assumed,
        reading + max(first - jackknife, 0.0),
        jackknife,
        resampled,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
        files.predictions[0].stat().st_size,
        (folder / "team0.zip").stat().st_size,
    )


def wall_seconds(rates: Rates, submissions: int, cores: int, *, resampled: bool = False) -> float:
    """Seconds by the clock, with a process on every core and nothing else on them."""
    each = rates.resampled if resampled else rates.jackknife
    return rates.reading + -(-submissions // cores) * each


def table(rates: Mapping[str, Rates]) -> str:
    """The Markdown of what 500 teams with five trials cost."""
    submissions = TEAMS * TRIALS
    return "\n".join((*_rates_of_one(rates), "", *_costs(rates, submissions)))


def _rates_of_one(rates: Mapping[str, Rates]) -> Iterator[str]:
    yield "One submission, on one core:"
    yield ""
    heads = ["track", "rows", "videos", "file", "zip", "jackknife", f"{RESAMPLES:,} resamples too", "memory"]
    yield from _head(heads)
    for name, one in rates.items():
        mark = " (assumed)" if one.is_assumed else ""
        cells = [f"{one.rows:,}{mark}", f"{one.units:,}", _bytes(one.plain), _bytes(one.packed)]
        cells += [f"{one.jackknife:.2f} s", f"{one.resampled:.2f} s", _bytes(one.peak)]
        yield _line([f"`{name}`", *cells])


def _costs(rates: Mapping[str, Rates], submissions: int) -> Iterator[str]:
    yield f"{TEAMS:,} teams with {TRIALS} trials each, {submissions:,} submissions:"
    yield ""
    heads = ["track", "processor hours", *(f"{cores} cores" for cores in CORES), "with resamples, 2 cores"]
    yield from _head([*heads, "disk, unpacked", "disk, as zips", "memory, 16 processes"])
    for name, one in rates.items():
        hours = submissions * one.jackknife / 3600
        walls = [duration(wall_seconds(one, submissions, cores)) for cores in CORES]
        walls.append(duration(wall_seconds(one, submissions, CORES[0], resampled=True)))
        disk = [_bytes(submissions * one.plain), _bytes(submissions * one.packed), _bytes(16 * one.peak)]
        yield _line([f"`{name}`", f"{hours:.2f}", *walls, *disk])


def _head(heads: Sequence[str]) -> Iterator[str]:
    yield _line(heads)
    yield "|---" + "|---:" * (len(heads) - 1) + "|"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def main() -> None:
    """Measure every track in a process of its own, print the tables and write them into the page."""
    import multiprocessing

    rates: dict[str, Rates] = {}
    for name in TRACKS:
        with tempfile.TemporaryDirectory() as temporary:
            files = write_track(name, Path(temporary))
            # a process of its own, whose memory is that of scoring alone
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rates[name] = pool.apply(measure, (files,))
        print(name, rates[name], flush=True)
    part = table(rates)
    print(part)
    write_text(PAGE, filled(PAGE, part, BEGIN))


if __name__ == "__main__":
    main()
