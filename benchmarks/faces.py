"""`abawbench faces` against a bare OpenCV loop that only detects faces, on the same frames."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from abawbench.faces import weights_path
from abawbench.faces.run import crop_faces
from abawbench.faces.video_crops import FaceSettings
from benchmarks.timing import PYTHON, Cost, functions, process, processes, report
from examples.real_data import real_data

ACTRESS, CARPHONE = "pexels_woman_emotions.mp4", "carphone_pristine.mp4"
# repetitions of a video of 20 seconds, so that the start of a process is a small part of its time
LOOPS = 6
BARE = "from benchmarks.faces import bare_loop; bare_loop({!r})"


def bare_loop(videos: list[str]) -> int:
    """Decode videos with OpenCV and run its detector on every frame, on one thread; returns the number of frames."""
    import cv2

    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    network = cv2.FaceDetectorYN.create(str(weights_path()), "", (320, 320), 0.7, 0.3)
    count = 0
    for video in videos:
        capture = cv2.VideoCapture(video)
        while True:
            is_there, image = capture.read()
            if not is_there:
                break
            height, width = image.shape[:2]
            shrink = min(1.0, 640 / max(height, width))
            size = (round(width * shrink), round(height * shrink))
            small = image if shrink == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            network.setInputSize(size)
            network.detect(small)
            count += 1
    return count


def looped(video: Path, times: int, path: Path) -> Path:
    """Write a video several times in a row, copying its packets, and return the path."""
    import av

    with av.open(str(path), "w") as container:
        target: Any = None
        shift = 0
        for _ in range(times):
            with av.open(str(video)) as source:
                stream = source.streams.video[0]
                target = target or container.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = target
                    container.mux(packet)
                shift += int(stream.duration or 0)
    return path


def speed(folder: Path) -> None:
    """Measure the frame rate inside a process, and of the whole command with one and with two processes."""
    videos = folder / "videos"
    videos.mkdir()
    for name in ("one.mp4", "two.mp4"):
        looped(real_data() / "videos" / ACTRESS, LOOPS, videos / name)
    single = str(real_data() / "videos" / ACTRESS)

    def ours() -> None:
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        crop_faces(Path(single), out, FaceSettings())

    calls = {"abawbench.faces.run": ours, "bare OpenCV loop": lambda: bare_loop([single])}
    report(f"Faces in process, {bare_loop([single]):,} frames of 640 x 360", functions(calls, 3), next(iter(calls)))

    both = [str(videos / "one.mp4"), str(videos / "two.mp4")]
    # a folder of its own for each run: one that is there already would be kept
    fresh = "d=$(mktemp -d {}/outXXXX) && {} -m abawbench faces {} $d --workers {}"
    commands = {
        f"abawbench faces --workers {workers}": ["sh", "-c", fresh.format(folder, PYTHON, videos, workers)]
        for workers in (1, 2)
    }
    commands["bare OpenCV loop"] = [PYTHON, "-c", BARE.format(both)]
    halves = " & ".join(f'{PYTHON} -c "{BARE.format([video])}"' for video in both)
    commands["two bare loops at once, a video each"] = ["sh", "-c", f"{halves} & wait"]
    costs = processes(commands, runs=1)
    report(f"Faces as a command, {bare_loop(both):,} frames, two videos", costs, "abawbench faces --workers 1")
    loop = costs["bare OpenCV loop"].seconds
    gain, most = (loop / costs[name].seconds for name in ("abawbench faces --workers 2", list(commands)[-1]))
    print(
        f"  with two processes {gain:.2f} times the frame rate of the bare loop; two bare loops reach {most:.2f} here"
    )


def memory(folder: Path) -> None:
    """Measure the peak memory for an hour of video against that for a minute, with detection in every 25th frame."""
    costs: dict[str, Cost] = {}
    for name, times in (("one minute", 15), ("one hour", 900)):
        video = looped(real_data() / "videos" / CARPHONE, times, folder / f"{name.replace(' ', '_')}.mp4")
        out = folder / f"out_{times}"
        faces = [PYTHON, "-m", "abawbench", "faces", str(video), str(out), "--every", "25", "--workers", "1"]
        seconds, processor, peak = process(faces)
        costs[name] = Cost.of([(seconds, processor)], peak)
    report("Peak memory of abawbench faces", costs, "one minute")
    print(f"  one hour takes {costs['one hour'].peak_mib / costs['one minute'].peak_mib:.2f} times the memory")


def main() -> None:
    """Measure speed and memory on the real videos."""
    for benchmark in (speed, memory):
        with tempfile.TemporaryDirectory() as name:
            benchmark(Path(name))


if __name__ == "__main__":
    main()
