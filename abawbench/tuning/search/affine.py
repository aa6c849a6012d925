"""The best scale and offset of a real-valued answer, in closed form from additive moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from abawbench.metrics.concordance import central
from abawbench.table import Floats, Rows
from abawbench.tuning.search.crossfit import Alternatives
from abawbench.tuning.search.searches import weighted_sums

Fit = Callable[[Floats, Floats], tuple[Floats, Floats]]


def transformed(moments: Floats, pilots: Floats, scale: Floats | float, offset: Floats | float) -> Floats:
    """Moments after every prediction y became scale * y + offset.

    Args:
        moments: shape (..., 6), from `metrics.concordance.moments`.
        pilots: shape (..., 2), the values that truth and prediction were centred by; they stay the centres.
        scale: factor, of any shape that fits the leading axes.
        offset: summand, in the unit of the prediction.
    """
    rows, x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
    shift = scale * pilots[..., 1] + offset - pilots[..., 1]
    return np.stack(
        [
            *np.broadcast_arrays(
                rows,
                x,
                scale * y + shift * rows,
                xx,
                scale * scale * yy + 2 * scale * shift * y + shift * shift * rows,
                scale * xy + shift * x,
            )
        ],
        axis=-1,
    )


def best_offset(moments: Floats, pilots: Floats) -> tuple[Floats, Floats]:
    """Scale 1 and the offset with the highest concordance: the difference of the means; 1 and 0 without rows."""
    offset = np.nan_to_num(central(moments, pilots)[3])
    return np.ones_like(offset), offset


def best_scale(moments: Floats, pilots: Floats) -> tuple[Floats, Floats]:
    """The scale with the highest concordance, and offset 0.

    With the mean squares A of the truth and B of the prediction, concordance of a * y is c * a / (A + a^2 B - 2 a D),
    whose derivative is 0 at a = sqrt(A / B). Where the covariance is not above 0, a scale does not help and is 1.
    """
    truth, prediction = (_mean_square(moments, pilots, place) for place in (0, 1))
    covariance = central(moments, pilots)[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(truth / prediction)
    scale = np.where((covariance > 0) & np.isfinite(scale) & (scale > 0), scale, 1.0)
    return scale, np.zeros_like(scale)


def best_affine(moments: Floats, pilots: Floats) -> tuple[Floats, Floats]:
    """The scale and the offset with the highest concordance together: equal variances and equal means.

    Concordance is then the correlation. Where the covariance is not above 0, the scale is 1.
    """
    truth, prediction, covariance, offset = central(moments, pilots)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(truth / prediction)
        mean = moments[..., 2] / moments[..., 0] + pilots[..., 1]
    scale = np.where((covariance > 0) & np.isfinite(scale), scale, 1.0)
    return scale, np.nan_to_num(offset + mean - scale * mean)


def _mean_square(moments: Floats, pilots: Floats, place: int) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, square = moments[..., 1 + place] / moments[..., 0], moments[..., 3 + place] / moments[..., 0]
    return square + 2 * pilots[..., place] * mean + pilots[..., place] ** 2


FITS: Mapping[str, Fit] = {"bias": best_offset, "scale": best_scale, "bias and scale": best_affine}
"""What can be fitted, by the error that it repairs."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The best scale and offset of every column in closed form; see `crossfit.Search` and `crossfit.Additive`.

    Attributes:
        moments: moments by cluster, shape (clusters, columns, 6).
        pilots: values that truth and answers are centred by, shape (columns, 2).
        figure: function from moments, shape (..., columns, 6), to figures, shape (..., columns); the figure of all is
            their mean.
        best: one of FITS.
    """

    moments: Floats
    pilots: Floats
    figure: Callable[[Floats], Floats]
    best: Fit = best_affine

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.moments)

    def totals(self, weights: Floats, clusters: Rows) -> Floats:
        """The weighted moments, shape (n, columns, 6)."""
        return weighted_sums(weights, self.moments[clusters])

    def choose(self, totals: Floats) -> tuple[Floats, Floats]:
        """Scale and offset of each column, shape (n, columns, 2), and the figure of all, shape (n,)."""
        choices = np.stack(self.best(totals, self.pilots), axis=-1)
        return choices, self.value(self.take(totals, choices))

    def take(self, totals: Floats, choices: Floats) -> Floats:
        """The moments after the scales and offsets, shape (n, columns, 6)."""
        return transformed(totals, self.pilots, choices[..., 0], choices[..., 1])

    def fit(self, weights: Floats) -> Floats:
        """Scale and offset of each column, shape (n, columns, 2)."""
        return self.choose(self.untouched(weights))[0]

    def sums(self, choices: Floats, weights: Floats) -> Floats:
        """The weighted moments after the scales and offsets, shape (n, columns, 6)."""
        return self.take(self.untouched(weights), choices)

    def untouched(self, weights: Floats) -> Floats:
        """The weighted moments, shape (n, columns, 6)."""
        return weighted_sums(weights, self.moments)

    def value(self, sums: Floats) -> Floats:
        """The mean of the figures of the columns, shape (...)."""
        return self.figure(sums).mean(-1)

    def for_resamples(self) -> Alternatives:
        """The same search."""
        return Alternatives((self,), self)
