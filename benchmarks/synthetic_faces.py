"""Drawing a face crop against encoding it as JPEG with OpenCV, both on one thread."""

from __future__ import annotations

import numpy as np

from abawbench.data.synthetic.film import draw_crop, make_film, make_person
from benchmarks.timing import functions

FILMS, FRAMES, RUNS = 24, 48, 9


def synthetic_faces() -> None:
    """Crops of many people, every frame with all its action units at work, and the same crops as JPEG."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        generator = np.random.default_rng(0)
        films = [make_film(make_person(generator), FRAMES, generator) for _ in range(FILMS)]
        units = generator.random((FILMS, FRAMES, 17)) * 0.6
        crops = [draw_crop(film, frame, units[row, frame]) for row, film in enumerate(films) for frame in range(FRAMES)]
        costs = functions(
            {
                "draw_crop": lambda: [
                    draw_crop(film, frame, units[row, frame])
                    for row, film in enumerate(films)
                    for frame in range(FRAMES)
                ],
                "cv2.imencode": lambda: [cv2.imencode(".jpg", crop) for crop in crops],
            },
            runs=RUNS,
        )
    finally:
        cv2.setNumThreads(threads)
    print(f"\nSynthetic faces, {len(crops):,} crops of {FILMS} people, one thread")
    for name, cost in costs.items():
        print(f"  {name:<58} {cost.seconds / len(crops) * 1e6:10.1f} µs a crop")
    print(f"  drawing takes {costs['draw_crop'].seconds / costs['cv2.imencode'].seconds:.1f} times as long")


def main() -> None:
    """The benchmark of the synthetic faces."""
    synthetic_faces()


if __name__ == "__main__":
    main()
