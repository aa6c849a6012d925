"""The features that an entry makes and answers from: what decides them, compared with those that clips have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from abawbench.clips.feature_index import FeatureOrigin, origin_of
from abawbench.clips.features import FeatureClip
from abawbench.entries.model import Card, Entry, FeatureEntry, LayeredEntry
from abawbench.models.image_input import ImageInput

# fields of an image input; after the first four, only those that differ from their default are kept
IMAGE_INPUT = tuple(each.name for each in fields(ImageInput) if each.name != "crop")


def feature_misfit(entry: Entry, clip: FeatureClip) -> tuple[str, str, str] | None:
    """What a clip has, what an entry takes, and the fix, where it cannot answer from these features; else None.

    Features whose networks are not known fit by their width alone.
    """
    # an entry on top of another one answers from the features of that one
    while (below := getattr(entry, "basic", None)) is not None:
        entry = below
    made_by = "" if clip.origin is None else f" of {clip.origin.networks}"
    found = f"{clip.width} features a frame{made_by}"
    if isinstance(entry, LayeredEntry):
        return found, "crops: its answers are made of crops alone", "name the folder of crops"
    if not isinstance(entry, FeatureEntry):
        return found, "crops", "name the folder of crops"
    origins: tuple[FeatureOrigin, ...] = getattr(entry, "origins", ())
    networks = " or ".join(origin.networks for origin in origins) or "the entry's networks"
    is_other = clip.origin is not None and origins and clip.origin.sha256 not in {each.sha256 for each in origins}
    if clip.width != entry.width or is_other:
        fix = "extract the features with the networks of this entry"
        return found, f"{entry.width} as {networks} make{'s' * bool(origins)} them", fix
    return None


def origins_of(card: Card, seed: int | None, given: FeatureOrigin | None) -> tuple[FeatureOrigin, ...]:
    """The origins of features that an entry answers from.

    Args:
        card: card with the networks of the entry; an entry without networks takes features of others.
        seed: seed of random weights.
        given: origin of the features that it was trained on, if that is known.
    """
    own = [origin_of({"networks": [network_identity(facts, seed) for facts in card.networks]})] if card.networks else []
    return tuple(dict.fromkeys([*own, *([] if given is None else [given])]))


def layer_card(
    card: Card, image_input: ImageInput, layer: str, title: str, *, kind: str, sha256: str, width: int
) -> Card:
    """The card of the entry whose features are those of a layer of another entry's network.

    Args:
        card: card of the other entry.
        image_input: pictures that the network takes.
        layer: name of the layer.
        title: the layer in words, behind the title of the other entry.
        kind: kind of the network.
        sha256: hash of its weights.
        width: number of features of a frame; further axes are flattened.
    """
    facts = {
        "role": "network",
        "kind": kind,
        "sha256": sha256,
        "intake": image_input.to_json(),
        "layer": layer,
        "pooling": "flatten",
        "width": width,
    }
    return Card(card.name, f"{card.title}: {title}", (), card.picture, weights=card.weights, networks=(facts,))


def network_identity(facts: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """The facts of a network that decide its features; its role in an entry and the name of its file do not."""
    # beside the facts of a checkpoint, its layout is that of the file
    image_input = facts["intake"] if "intake" in facts else {name: facts[name] for name in facts if name != "layout"}
    weights = {"sha256": facts["sha256"]} if "sha256" in facts else {"seed": seed}
    read = {name: facts[name] for name in ("branch", "layer", "pooling", "width", "sharing") if name in facts}
    return {
        "kind": facts["kind"],
        **weights,
        **{name: image_input[name] for name in IMAGE_INPUT if name in image_input},
        **read,
    }
