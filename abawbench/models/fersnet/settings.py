"""Settings of FERSNet. Needs no torch.

Sources: arXiv:2007.04514, its figures and equations (the "paper"); cikrhazo/FERSNet, the first author's code (the
"release"). Where they disagree, a setting offers both, and its default is the paper's; what neither says is marked
assumed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Topology = Literal["paper", "released"]
Condition = Literal["concat", "adain"]
Transform = Literal["released", "around_one"]
# names of the two streams, as units of sharing see them
RECOGNITION, SYNTHESIS = "recognition", "synthesis"
STAGES = {"paper": 4, "released": 3}
Width = Annotated[int, Field(ge=1)]
Widths = tuple[Width, Width, Width, Width]


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class FersNetSettings:
    """Settings of the two networks.

    Attributes:
        topology: `paper`: two branches of four stages, two convolutions each, with pools between them; `released`: a
            shared stem and two branches of three residual stages with a pool after each, batch norm in the branch of
            recognition and instance norm in that of synthesis.
        widths: channels of the four stages, or of the stem and the three stages (the paper's: assumed).
        exchanges: number of stages after which the branches exchange features, from the first on; 4 only with the
            paper's topology.
        one_unit: True for one unit of sharing at all exchanges, whose stages must have one width.
        joint_bottleneck: True for a block over both branches after the last stage; None for that of the topology: only
            the released one has it.
        fused_to: destination of the fused map of synthesis: the `next` stage, the `skip` to the decoder, or `both`.
        recognises: branch that recognises in the released topology: the one with batch norm, or the one with instance
            norm; the other synthesises.
        condition: way of the target expression into the decoder: `concat`, a map joined to the deepest one; `adain`,
            scales and offsets of normalised maps at the deepest map and each skip; None for that of the topology.
        transform: start of the scales and offsets of `adain`: `released`, near 0; `around_one`, scales about 1, and
            stronger effects of the expression, which learns in fewer steps (ours).
        residual: True for a decoder whose output is added to the source picture (ours, not in the sources).
    """

    topology: Topology = "paper"
    widths: Widths = (64, 128, 256, 512)
    exchanges: Literal[3, 4] = 3
    one_unit: bool = False
    joint_bottleneck: bool | None = None
    fused_to: Literal["next", "skip", "both"] = "both"
    recognises: Literal["batch_norm", "instance_norm"] = "batch_norm"
    condition: Condition | None = None
    transform: Transform = "released"
    residual: bool = False

    def __post_init__(self) -> None:
        if self.exchanges > self.stages:
            raise ValueError(f"exchanges = {self.exchanges}, but the {self.topology} topology has {self.stages} stages")
        shared = self.stage_widths[: self.exchanges]
        if self.one_unit and len(set(shared)) > 1:
            raise ValueError(f"one_unit for stages of {', '.join(map(str, shared))} channels, which must be alike")
        if self.topology == "paper" and self.recognises != "batch_norm":
            raise ValueError("recognises = instance_norm, but the branches of the paper have no norms")

    @property
    def is_released(self) -> bool:
        """True for the released topology."""
        return self.topology == "released"

    @property
    def stages(self) -> int:
        """Number of stages of each branch."""
        return STAGES[self.topology]

    @property
    def stage_widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return self.widths[-self.stages :]

    @property
    def has_joint(self) -> bool:
        """True where a block over both branches follows the last stage."""
        return self.is_released if self.joint_bottleneck is None else self.joint_bottleneck

    @property
    def conditioned_by(self) -> Condition:
        """Way of the target expression into the decoder."""
        return self.condition or ("adain" if self.is_released else "concat")

    @property
    def divisor(self) -> int:
        """Number that the side of a picture must be a multiple of, so that each pool halves a map."""
        pools = self.stages + 1 if self.is_released else self.stages - 1
        return 2 ** (pools + self.has_joint)
