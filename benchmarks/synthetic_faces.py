"""Drawing a face crop against encoding it as JPEG with OpenCV, both on one thread."""

from __future__ import annotations

import numpy as np

from abawbench.synthetic.film import draw_crop, make_film
from abawbench.synthetic.person import make_person
from benchmarks.timing import functions

FILMS, FRAMES = 24, 48


def synthetic_faces() -> None:
    """Crop by crop: drawn with all action units at work, then encoded; the median of each over many people."""
    import cv2

    generator = np.random.default_rng(0)
    films = [make_film(make_person(generator), FRAMES, generator) for _ in range(FILMS)]
    units = generator.random((FRAMES, FILMS, 17)) * 0.6
    # one more: the warm-up
    places = [(frame, row) for row in range(FILMS) for frame in range(FRAMES)]
    turns = iter([places[0], *places])
    drawn = [np.zeros((112, 112, 3), np.uint8)]

    def draw() -> None:
        frame, row = next(turns)
        drawn[0] = draw_crop(films[row], frame, units[frame, row])

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        calls = {"draw_crop": draw, "cv2.imencode": lambda: cv2.imencode(".jpg", drawn[0])}
        costs = functions(calls, runs=len(places))
    finally:
        cv2.setNumThreads(threads)
    print(f"\nSynthetic faces, {len(places):,} crops of {FILMS} people, one thread")
    for name, cost in costs.items():
        print(f"  {name:<58} {cost.seconds * 1e6:10.1f} µs")
    print(f"  drawing takes {costs['draw_crop'].seconds / costs['cv2.imencode'].seconds:.1f} times as long")


def main() -> None:
    """The benchmark of the synthetic faces."""
    synthetic_faces()


if __name__ == "__main__":
    main()
