"""Small made-up copies of posed sequences, in the layouts of their owners."""

from __future__ import annotations

from pathlib import Path

# a picture that is never decoded
PICTURE = b"\x89PNG"


def write_ck_plus(root: Path, people: int = 23, frames: int = 5) -> Path:
    """A copy of CK+ with two labelled sequences and one without a label for each person."""
    for person in range(people):
        subject = f"S{person * 3 + 5:03d}"
        for sequence in range(1, 4):
            pictures = root / "cohn-kanade-images" / subject / f"{sequence:03d}"
            pictures.mkdir(parents=True)
            for frame in range(1, frames + 1):
                (pictures / f"{subject}_{sequence:03d}_{frame:08d}.png").write_bytes(PICTURE)
            label = root / "Emotion" / subject / f"{sequence:03d}"
            label.mkdir(parents=True)
            if sequence < 3:
                number = (2 * person + sequence) % 7 + 1
                (label / f"{subject}_{sequence:03d}_{frames:08d}_emotion.txt").write_text(f"   {number:.7e}\n")
    return root


def write_oulu_casia(root: Path, people: int = 21, frames: int = 4) -> Path:
    """A copy of Oulu-CASIA with every expression of each person, under one light."""
    for person in range(1, people + 1):
        for expression in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"):
            pictures = root / "OriginalImg" / "VL" / "Strong" / f"P{person:03d}" / expression
            pictures.mkdir(parents=True)
            for frame in range(frames):
                (pictures / f"{frame:03d}.jpeg").write_bytes(PICTURE)
    return root


def write_mmi(root: Path, people: int = 12, frames: int = 9) -> Path:
    """A tree of pictures of MMI as programs cut it: one folder for each expression of a person."""
    for person in range(1, people + 1):
        for expression in ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise"):
            pictures = root / f"S{person:03d}" / expression
            pictures.mkdir(parents=True)
            for frame in range(frames):
                (pictures / f"{frame:03d}.png").write_bytes(PICTURE)
    return root
