"""Which precision a run takes: bfloat16 where the machine computes in it and the answers stay what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from abawbench.data.clips import Frames, clip_in_memory
from abawbench.entries.model import Movable, Precision
from abawbench.errors import Problem, ProblemError

Asked = Literal["auto", "float32", "bfloat16"]
# of a probability, or of a value in its range: a tenth of what moves a score visibly
LIMIT = 0.02


@dataclass(frozen=True, slots=True)
class Parity:
    """What was decided, and on what grounds.

    Attributes:
        asked: what the run was told.
        precision: what it takes.
        deviation: largest difference between answers in bfloat16 and in float32 on the first batch; None where it was
            not compared.
    """

    asked: Asked
    precision: Precision
    deviation: float | None


def chosen(entry: Movable, device: str, asked: Asked, crops: Frames) -> Parity:
    """The precision for a run that begins with these crops.

    Args:
        entry: whose answers count.
        device: where it runs.
        asked: `auto` falls back to float32, `bfloat16` does not.
        crops: shape (crops, side, side, 3).

    Raises:
        ProblemError: P05, bfloat16 was asked for and changes the answers by more than 0.02.
    """
    if asked == "float32" or (asked == "auto" and not has_bfloat16(device)):
        return Parity(asked, "float32", None)
    clip = clip_in_memory("first batch", crops)
    exact, rough = (
        there.conclude(there.look(crops), clip) for there in (entry.at(device, "float32"), entry.at(device, "bfloat16"))
    )
    deviation = max(float(np.abs(exact[task] - rough[task]).max(initial=0)) for task in exact)
    # a deviation that is no number is too large as well
    fits = deviation <= LIMIT
    if not fits and asked == "bfloat16":
        found = f"{entry.card.name}: answers that differ by {deviation:.3g} on the first batch"
        raise ProblemError(Problem("P05", found, f"at most {LIMIT}", "ask for float32, or leave the choice to auto"))
    return Parity(asked, "bfloat16" if fits else "float32", deviation)


def has_bfloat16(device: str) -> bool:
    """True where a device multiplies matrices in bfloat16 faster than in float32."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    if device != "cpu":
        return False
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("arm_bf16"))
