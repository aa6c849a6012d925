"""Cuts a video into segments, answers for each, and joins the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.base.problems import ProblemError
from abawbench.models.temporal.encoders import LayerState
from abawbench.models.temporal.settings import RECURRENT, TemporalSettings, network_problem

State = tuple[LayerState, ...]
Tensors = dict[str, Tensor]
Rows = NDArray[np.int64]

# number of rows that go through a network at once
ROWS = 2048
# recurrent encoders that read forwards only
FORWARD = ("lstm", "gru")


class SequenceNetwork(Protocol):
    """The interface of a network over sequences, which `MultiTaskNetwork` has."""

    @property
    def temporal(self) -> TemporalSettings:
        """Settings of the segments."""
        ...

    @property
    def training(self) -> bool:
        """Whether the network is in training mode."""
        ...

    @property
    def outputs(self) -> Mapping[str, int]:
        """Width of each output by its name."""
        ...

    def train(self, mode: bool = True) -> object:
        """Set the training mode."""
        ...

    def normalise(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Normalise features for `forward_segment`."""
        ...

    def forward_segment(
        self, features: Tensor, lengths: Tensor, state: State | None = None, positions: Tensor | None = None
    ) -> tuple[Tensors, State]:
        """Logits by output, and the state behind the segment."""
        ...


def windows(length: int, segment: int, stride: int) -> Rows:
    """The first frame and the frame after the last of each segment, shape (segments, 2), in order.

    Without overlap, the last segment may be shorter (source: aim3_mtl section 2.3, the release); with overlap, it ends
    with the video and is as long as the others, unless the video is shorter (section 2.3, its siblings).

    Raises:
        ProblemError: E17, a stride that is not from 1 to the segment.

    >>> windows(10, 4, 4).tolist(), windows(10, 4, 3).tolist(), windows(9, 4, 3).tolist()
    ([[0, 4], [4, 8], [8, 10]], [[0, 4], [3, 7], [6, 10]], [[0, 4], [3, 7], [5, 9]])
    """
    if not 1 <= stride <= segment:
        found = f"stride = {stride} with segment = {segment}"
        raise ProblemError(network_problem(found, "a stride from 1 to the segment"))
    if length == 0:
        return np.empty((0, 2), np.int64)
    starts = np.arange(1 + max(-((segment - length) // stride), 0), dtype=np.int64) * stride
    if stride < segment:
        starts[-1] = max(length - segment, 0)
    return np.stack([starts, np.minimum(starts + segment, length)], axis=1)


def answer_sequence(network: SequenceNetwork, features: Tensor, *, frame: Rows | None = None) -> Tensors:
    """Logits of one video by output, shape (rows, width), one row for each row of features, in their order.

    Segments are cut by `network.temporal`. A recurrent encoder goes on from segment to segment where these do not
    overlap; else they run as batches, and rows in several segments get the mean, weighted by their distance from the
    ends of each: assumed(choice). No row is dropped, no gradients are kept, and the network's training mode stays.

    Args:
        network: network on the device of the features.
        features: features of the rows, shape (rows, feature width).
        frame: frame number of each row in the video, in any order, with repetitions or not. Segments and positions then
            count frames instead of rows; `compat` counts rows all the same (F8).

    Raises:
        ProblemError: E17, features of another width, another number of frames than rows; `compat` and too many rows.
    """
    if frame is not None and frame.shape != features.shape[:1]:
        found, expected = f"frame numbers of shape {frame.shape}", f"({len(features)},), one for each row"
        raise ProblemError(network_problem(found, expected, "number the rows of the features"))
    if frame is None or network.temporal.mode == "compat" or len(frame) == 0:
        return _answer(network, features, None)
    order = np.argsort(frame, kind="stable")
    if np.array_equal(order, np.arange(len(order))):
        return _answer(network, features, frame)
    there = torch.from_numpy(order).to(features.device)
    back = torch.from_numpy(np.argsort(order)).to(features.device)
    answers = _answer(network, features[there], frame[order])
    return {name: answer[back] for name, answer in answers.items()}


@torch.no_grad()
def _answer(network: SequenceNetwork, features: Tensor, frame: Rows | None) -> Tensors:
    if len(features) == 0:
        return {name: features.new_zeros((0, width)) for name, width in network.outputs.items()}
    was_training = network.training
    network.train(False)
    try:
        features = network.normalise(features.unsqueeze(0), torch.tensor([len(features)]))[0]
        spans = _spans(network.temporal, len(features), frame)
        if _carries(network.temporal):
            return _joined(spans, _carried(network, features, spans))
        return _joined(spans, _batched(network, features, spans, frame))
    finally:
        network.train(was_training)


def _spans(settings: TemporalSettings, rows: int, frame: Rows | None) -> Rows:
    if settings.encoder == "none" or (settings.encoder in FORWARD and _carries(settings)):
        # the cut makes no difference, and long pieces are faster
        return windows(rows, ROWS, ROWS)
    if frame is None:
        segment = settings.segment or rows
        return windows(rows, segment, settings.stride or segment)
    length = int(frame[-1] - frame[0]) + 1
    segment = settings.segment or length
    spans = np.searchsorted(frame - frame[0], windows(length, segment, settings.stride or segment))
    return spans[spans[:, 0] < spans[:, 1]]


def _carries(settings: TemporalSettings) -> bool:
    overlaps = settings.stride not in (None, settings.segment)
    return settings.encoder in RECURRENT and settings.carry_state and not overlaps


def _carried(network: SequenceNetwork, features: Tensor, spans: Rows) -> Iterator[Tensors]:
    state = None
    for start, stop in spans.tolist():
        segment = features[start:stop].unsqueeze(0)
        answers, state = network.forward_segment(segment, torch.tensor([stop - start]), state)
        yield {name: answer[0] for name, answer in answers.items()}


def _batched(network: SequenceNetwork, features: Tensor, spans: Rows, frame: Rows | None) -> Iterator[Tensors]:
    """The answers to the rows of a few segments at a time, one segment after the other."""
    for batch in _batches(spans, network.temporal):
        lengths = torch.from_numpy(batch[:, 1] - batch[:, 0])
        rows = torch.from_numpy(batch[:, :1]) + torch.arange(int(lengths.max()))
        is_row = rows < torch.from_numpy(batch[:, 1:])
        rows = rows.clamp(max=len(features) - 1)
        positions = None
        if frame is not None:
            counted = torch.from_numpy(frame)[rows]
            positions = (counted - counted[:, :1]).to(features.device)
        segments = features[rows.to(features.device)]
        if bool(is_row.all()):
            answers, _ = network.forward_segment(segments, lengths, None, positions)
            yield {name: answer.flatten(0, 1) for name, answer in answers.items()}
        else:
            segments = segments.masked_fill(~is_row.to(features.device).unsqueeze(-1), 0)
            answers, _ = network.forward_segment(segments, lengths, None, positions)
            yield {name: answer[is_row.to(answer.device)] for name, answer in answers.items()}


def _batches(spans: Rows, settings: TemporalSettings) -> Iterator[Rows]:
    """Batches of consecutive segments; in `compat`, where padding changes answers, all of one length."""
    start = 0
    while start < len(spans):
        lengths = spans[start:, 1] - spans[start:, 0]
        several = int(max(ROWS // lengths.max(), 1))
        if settings.mode == "compat":
            several = min(several, int(np.argmin(np.append(lengths == lengths[0], False))))
        yield spans[start : start + several]
        start += several


def _joined(spans: Rows, parts: Iterator[Tensors]) -> Tensors:
    gathered = list(parts)
    answers = {name: torch.cat([part[name] for part in gathered]) for name in gathered[0]}
    if (spans[1:, 0] == spans[:-1, 1]).all():
        return answers
    lengths = (spans[:, 1] - spans[:, 0]).tolist()
    return {name: _mean(spans, answer.split(lengths)) for name, answer in answers.items()}


def _mean(spans: Rows, pieces: tuple[Tensor, ...]) -> Tensor:
    rows = int(spans[:, 1].max())
    # float32 at least: the weights of a bfloat16 network would not add up
    total = pieces[0].new_zeros((rows, pieces[0].shape[1]), dtype=torch.promote_types(pieces[0].dtype, torch.float32))
    weights = total.new_zeros((rows, 1))
    for (start, stop), piece in zip(spans.tolist(), pieces, strict=True):
        place = torch.arange(1, stop - start + 1, device=piece.device)
        weight = torch.minimum(place, place.flip(0)).unsqueeze(-1).to(total.dtype)
        total[start:stop] += weight * piece
        weights[start:stop] += weight
    return (total / weights).to(pieces[0].dtype)
