"""Many predictions of one challenge: found in a folder, scored on several processes or a cluster, and ranked.

`sources` finds the predictions below a folder and the trials in zips, `judge` checks, reads and scores one of them,
`many` does so for all, `ranking` makes one table of them, and `folder` does it all for a folder.
"""

from __future__ import annotations

from abawbench.organisers.batch.folder import score_folder
from abawbench.organisers.batch.judge import Judged
from abawbench.organisers.batch.many import score_many
from abawbench.organisers.batch.ranking import Ranking, Standing, rank
from abawbench.organisers.batch.sources import Found, Packed, Source, find_predictions, trials_in

__all__ = [
    "Found",
    "Judged",
    "Packed",
    "Ranking",
    "Source",
    "Standing",
    "find_predictions",
    "rank",
    "score_folder",
    "score_many",
    "trials_in",
]
