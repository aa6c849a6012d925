"""Networks in the form of a Hugging Face folder: model.safetensors, config.json, and a model card."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from torch import Tensor, nn

from abawbench.entries.packed import PACKED, TENSORS
from abawbench.exports.model_card import model_card, subject_of_card
from abawbench.exports.networks import Network, packed_network, read_network
from abawbench.exports.scores import scores_of
from abawbench.records.model import Record

USAGE = """\
The folder of this file is an entry of abawbench:

    abawbench predict FOLDER VIDEOS_OR_CROPS -o STORE

```python
from abawbench.entries import load_entry

entry = load_entry("FOLDER")  # entry.card says what it takes and answers
```"""


class HubNetwork(nn.Module, PyTorchModelHubMixin, library_name="abawbench"):
    """A network that saves to and loads from a Hugging Face folder, with its card.

    Args:
        network: the network.
        records: records of its scores, for the card.

    Attributes:
        source: the network with the content of its entry file.
        entry: the entry, which answers as `abawbench predict` does.
        records: the records.
        parts: the modules of the entry.
    """

    def __init__(self, network: Network, records: Sequence[Record] = ()) -> None:
        super().__init__()
        self.source, self.entry, self.records = network, network.entry, tuple(records)
        self.parts = nn.ModuleList([*network.entry.encoder.modules, network.entry.network])

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Scores by task, shape (pictures, width), of normalised pictures. Raises: ProblemError as `scores_of`."""
        return scores_of(self.entry, pictures)[1]

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """The card, with the scores."""
        del args, kwargs
        return ModelCard(model_card(subject_of_card(self.entry.card, USAGE), self.records))

    def _save_pretrained(self, save_directory: Path) -> None:
        for name, data in packed_network(self.source).items():
            (save_directory / name).write_bytes(data)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> HubNetwork:
        folder = Path(model_id)
        if not folder.is_dir():
            names = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            own = {name: options[name] for name in names if name in options}
            (folder,) = {Path(hf_hub_download(model_id, name, **own)).parent for name in (PACKED, TENSORS)}
        return cls(read_network(str(folder)))


def hugging_face_files(network: Network, records: Sequence[Record] = ()) -> dict[str, bytes]:
    """The files of a Hugging Face folder by name: equal networks and records give equal bytes.

    Args:
        network: the network.
        records: records of its scores, for the card.
    """
    with tempfile.TemporaryDirectory() as folder:
        HubNetwork(network, records).save_pretrained(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
