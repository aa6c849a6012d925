"""Vision networks of transformers as backbones: a hidden layer becomes one vector."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt
from typing import Any, cast

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.models.backbones.model import Backbone, BackboneCard, refuse_other_pictures
from abawbench.models.backbones.positions import resize_positions
from abawbench.models.backbones.presets import PRESETS
from abawbench.models.backbones.vision_stages import parts_of, picture_like
from abawbench.models.image_input import ImageInput, Overrides, Pooling, imagenet
from abawbench.models.network_config import check_parameters

PREFIX = "hf:"
_POSITIONS = "embeddings.position_embeddings"
# fields of a masked autoencoder's configuration that describe its encoder
_SHARED = frozenset(
    {
        *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
        *("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "layer_norm_eps"),
        *("image_size", "patch_size", "num_channels", "qkv_bias"),
    }
)
# configurations of transformers, whose classes are made at run time
Config = Any


class Vision(Backbone):
    """A network of transformers.

    `class` is the first token; `mean` leaves out class and register tokens; `average` is the network's own pooling of
    its last map where it has one (for ConvNeXt with the norm that follows), else the plain average.

    Attributes:
        network: network of transformers, without its own pooler where it can do without.
        norm: norm of the vectors; the identity except for fine-tuned MAE networks.
    """

    def __init__(self, card: BackboneCard, network: nn.Module, lead: int, options: Mapping[str, Any]) -> None:
        super().__init__(card)
        self.network = network
        self.norm: nn.Module = nn.Identity()
        # tokens before those of the patches, and further arguments of each call
        self._lead, self._options = lead, options

    @property
    def config(self) -> Config:
        """The configuration of the network."""
        return cast(Any, self.network).config

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors, shape (pictures, width), of pictures, shape (pictures, channels, size, size)."""
        refuse_other_pictures(self.card, pictures)
        return cast(Tensor, self.norm(self._vectors(pictures)))

    def _vectors(self, pictures: Tensor) -> Tensor:
        deeper = self.card.layer != -1
        output = self.network(pixel_values=pictures, output_hidden_states=deeper, return_dict=True, **self._options)
        hidden: Tensor = output.hidden_states[self.card.layer] if deeper else output.last_hidden_state
        return self._pooled(hidden, None if deeper else output.get("pooler_output"))

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The stages of the network, or its layers in up to four groups of equal numbers.

        Raises:
            ProblemError: E17, the parts of the network are not known, or a hidden layer is read.
        """
        if self.card.layer != -1:
            found, expected = f"the stages of {self.card.kind} with layer {self.card.layer}", "its output, layer -1"
            raise ProblemError(Problem("E17", found, expected, "leave the layer as it is"))
        image_input = self.card.image_input
        picture = picture_like(self.network, image_input.channels, image_input.size)
        return parts_of(self.network).stages(self.network, picture)

    @property
    def channels(self) -> Sequence[int]:
        """The number of channels after each stage."""
        return list(parts_of(self.network).channels(self.config))

    @property
    def has_tokens(self) -> bool:
        """True where the maps are tokens in a row."""
        return parts_of(self.network).has_tokens

    def begin(self, pictures: Tensor) -> Tensor:
        """The maps before the first stage."""
        return parts_of(self.network).begin(self.network, pictures, self._options)

    def finish(self, maps: Tensor) -> Tensor:
        """The vectors of maps after the last stage."""
        return cast(Tensor, self.norm(self._pooled(*parts_of(self.network).finish(self.network, maps))))

    def _pooled(self, hidden: Tensor, own: Tensor | None) -> Tensor:
        if self.card.pooling == "class":
            return hidden[:, 0]
        if self.card.pooling == "mean":
            return hidden[:, self._lead :].mean(1)
        return hidden.mean((2, 3)) if own is None else own.flatten(1)


@dataclass(frozen=True, slots=True)
class Misfit:
    """The differences between the tensors of a file and a network, by the names of the installed transformers.

    Attributes:
        missing: tensors that only the network has.
        unexpected: tensors that only the file has.
        shapes: name, shape found and shape expected of each tensor of another shape.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]


def config_of(kind: str) -> tuple[Config, ImageInput]:
    """The configuration and the image input of a preset, or of `hf:<model type>` with the defaults of that type.

    Raises:
        ProblemError: E01, transformers knows no such type.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    if kind in PRESETS:
        preset = PRESETS[kind]
        return AutoConfig.for_model(preset.model_type, **preset.structure), preset.image_input
    model_type = kind.removeprefix(PREFIX)
    if model_type not in CONFIG_MAPPING:
        fix = did_you_mean(model_type, CONFIG_MAPPING.keys(), "name a type as it stands in a config.json")
        raise ProblemError(Problem("E01", f"backbone '{kind}'", "hf: and a model type of transformers", fix))
    config = AutoConfig.for_model(model_type)
    return config, assumed_image_input(config)


def assumed_image_input(config: Config) -> ImageInput:
    """The image input assumed for a configuration without preprocessing: its size or 224, RGB, ImageNet.

    A network with one channel takes grey pictures with values from -1 to 1.
    """
    size = _image_size(config) or 224
    try:
        return ImageInput(size, "grey", (0.5,), (0.5,)) if getattr(config, "num_channels", 3) == 1 else imagenet(size)
    except (TypeError, ValueError) as error:
        found, expected = f"image_size {size!r}", "the side of a picture in pixels"
        raise ProblemError(Problem("E04", found, expected, "correct the configuration")) from error


def create(kind: str, overrides: Overrides) -> Vision:
    """Make the network of this name with random weights.

    Raises:
        ProblemError: E01 unknown model type, E17 an override that it cannot follow, or a type that takes no pictures.
    """
    config, preset = config_of(kind)
    setup = _resolve(kind, config, preset, overrides)
    with quiet():
        network = setup.network(setup.config, **setup.arguments)
    return setup.vision(network).eval()


def load(
    kind: str, config: Config, preset: ImageInput, overrides: Overrides, tensors: Mapping[str, Tensor]
) -> tuple[Vision, Misfit]:
    """Make a network with the weights of a file, by the names that transformers writes.

    Positions of a ViT are interpolated where the overrides ask for another size. With `fc_norm.*` among the tensors,
    the network has no last norm, and that norm follows the mean of the patch tokens.

    Args:
        kind: name for the card.
        config: configuration of the network.
        preset: pictures that the network takes.
        overrides: values that replace those of the preset.
        tensors: weights by name, which are copied in float32.

    Returns:
        The network, and the tensors that did not fit; a network with missing tensors is of no use.

    Raises:
        ProblemError: E04 a configuration that gives no network, E08 one of a much larger network, E17 an override that
            it cannot follow, or a type that takes no pictures.

    Source: facebookresearch/mae:models_vit.py (fc_norm).
    """
    has_norm = "fc_norm.weight" in tensors
    if has_norm:
        overrides = _averaged(kind, overrides)
    setup = _resolve(kind, config, preset, overrides)
    check_parameters(setup.parameters, sum(tensor.numel() for tensor in tensors.values()))
    copied = {
        name: tensor.to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)
        for name, tensor in tensors.items()
    }
    norm = {name: copied.pop(f"fc_norm.{name}") for name in ("weight", "bias") if f"fc_norm.{name}" in copied}
    if setup.config.model_type == "vit":
        grid = setup.card.image_input.size // cast(int, _patch(setup.config))
        copied |= {name: resize_positions(tensor, grid) for name, tensor in copied.items() if name.endswith(_POSITIONS)}
    with quiet():
        network, info = setup.network.from_pretrained(
            None,
            config=setup.config,
            state_dict=copied,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
            **setup.arguments,
        )
    vision = setup.vision(network)
    missing = set(info["missing_keys"])
    if has_norm:
        network.layernorm = nn.Identity()
        missing -= {"layernorm.weight", "layernorm.bias"}
        vision.norm = nn.LayerNorm(setup.card.width, eps=setup.config.layer_norm_eps)
        vision.norm.load_state_dict(norm, strict=False)
        missing |= {f"fc_norm.{name}" for name in ("weight", "bias") if name not in norm}
    shapes = [(name, tuple(found), tuple(expected)) for name, found, expected in info["mismatched_keys"]]
    return vision.eval(), Misfit(tuple(sorted(missing)), tuple(sorted(info["unexpected_keys"])), tuple(sorted(shapes)))


@contextmanager
def quiet() -> Generator[None]:
    """Silence the reports and progress bars of transformers; faults become problems of ours."""
    from transformers.utils import logging as reports

    level, has_bar = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(level)
        if has_bar:
            reports.enable_progress_bar()


@dataclass(frozen=True, slots=True)
class _Setup:
    card: BackboneCard
    config: Config
    network: Any
    arguments: Mapping[str, Any]
    parameters: int
    lead: int
    options: Mapping[str, Any]

    def vision(self, network: nn.Module) -> Vision:
        """The backbone around a network that was made from this setup."""
        return Vision(self.card, network, self.lead, self.options)


def _resolve(kind: str, config: Config, preset: ImageInput, overrides: Overrides) -> _Setup:
    config = _encoder(config)
    network = _class_of(kind, config)
    image_input = overrides.apply(preset, kind)
    _refuse_other_patches(kind, config, image_input)
    options: dict[str, Any] = {}
    if config.model_type == "vit":
        config.image_size = image_input.size
    elif _image_size(config) not in (None, image_input.size) and _takes(network.forward, "interpolate_pos_encoding"):
        options["interpolate_pos_encoding"] = True
    # of no use to class, mean and average, and missing in most files
    arguments = {"add_pooling_layer": False} if _takes(network.__init__, "add_pooling_layer") else {}
    layer = -1 if overrides.layer is None else overrides.layer
    with quiet(), torch.device("meta"), torch.no_grad():
        empty = _empty(network, config, arguments)
        hidden = _dry_run(kind, empty, image_input, layer, options)
    parameters = sum(parameter.numel() for parameter in empty.parameters())
    lead = _lead(config, hidden, image_input)
    pooling = _pooling(kind, hidden, lead, overrides.pooling)
    width = hidden.shape[1] if hidden.ndim == 4 else hidden.shape[2]
    card = BackboneCard(kind, image_input, layer, pooling, width)
    return _Setup(card, config, network, arguments, parameters, lead, options)


def _empty(network: Any, config: Config, arguments: Mapping[str, Any]) -> Any:
    """A network without numbers. Raises: ProblemError E04, the configuration gives none."""
    try:
        return network(config, **arguments).eval()
    # each network checks its configuration in its own way
    except Exception as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        expected = f"the configuration of a {config.model_type}"
        raise ProblemError(Problem("E04", found, expected, "correct the configuration")) from error


def _encoder(config: Config) -> Config:
    """A copy of a configuration; that of a masked autoencoder becomes its encoder's, which hides no patches."""
    from transformers import ViTConfig

    if config.model_type != "vit_mae":
        return copy.deepcopy(config)
    shared = {name: value for name, value in config.to_dict().items() if name in _SHARED}
    return ViTConfig(**shared)


def _class_of(kind: str, config: Config) -> Any:
    from transformers import MODEL_MAPPING

    network = MODEL_MAPPING.get(type(config), None)
    if getattr(network, "main_input_name", None) != "pixel_values":
        found = f"model type '{config.model_type}' for {kind}"
        fix = "name the vision part of it, as siglip_vision_model or clip_vision_model"
        raise ProblemError(Problem("E10", found, "a network that takes pictures and nothing else", fix))
    return network


def _image_size(config: Config) -> int | None:
    """The height of the pictures that a configuration names; None where it names none."""
    size = getattr(config, "image_size", None)
    return next(iter(size), None) if isinstance(size, list | tuple) else size


def _takes(function: Any, argument: str) -> bool:
    return argument in inspect.signature(function).parameters


def _refuse_other_patches(kind: str, config: Config, image_input: ImageInput) -> None:
    problems: list[Problem] = []
    channels = getattr(config, "num_channels", image_input.channels)
    if channels != image_input.channels:
        found = f"{image_input.channels} channels ({image_input.colour}) for {kind}"
        problems.append(Problem("E17", found, f"{channels} channels", "correct the colour"))
    patch = _patch(config)
    if patch is not None and patch < 1:
        problems.append(Problem("E04", f"patch_size {patch}", "a number of pixels", "correct the configuration"))
    elif patch is not None and image_input.size % patch:
        found = f"size {image_input.size} for {kind}"
        problems.append(Problem("E17", found, f"a multiple of its patches of {patch} pixels", "correct the size"))
    if problems:
        raise ProblemError(*problems)


def _patch(config: Config) -> int | None:
    """The side of a patch of a network whose grid of tokens is the same in all layers; None for others."""
    patch = getattr(config, "patch_size", None)
    if hasattr(config, "depths"):
        return None
    return next(iter(patch), 0) if isinstance(patch, list | tuple) else patch


def _dry_run(kind: str, network: Any, image_input: ImageInput, layer: int, options: Mapping[str, Any]) -> Tensor:
    """Run a network without computing, and return the hidden layer: its shape tells width and tokens."""
    pictures = torch.zeros(1, image_input.channels, image_input.size, image_input.size)
    try:
        output = network(pixel_values=pictures, output_hidden_states=True, return_dict=True, **options)
        if layer == -1:
            return output.last_hidden_state
        count = len(output.hidden_states or ())
        if -count <= layer < count:
            return output.hidden_states[layer]
    # a network of others may fail in any way
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        expected = f"an answer of {kind} to pictures of {image_input.size} pixels"
        raise ProblemError(Problem("E17", found, expected, "leave the size as it is, or name another kind")) from error
    found = f"layer {layer} of {kind}"
    expected = f"-1 for its output, or an index into its {count} hidden states"
    raise ProblemError(Problem("E17", found, expected, "correct the layer"))


def _lead(config: Config, hidden: Tensor, image_input: ImageInput) -> int:
    """Number of tokens before those of the patches; 0 for maps."""
    if hidden.ndim == 4:
        return 0
    patch = _patch(config)
    side = isqrt(hidden.shape[1]) if patch is None else image_input.size // patch
    return hidden.shape[1] - side * side


def _pooling(kind: str, hidden: Tensor, lead: int, wanted: Pooling | None) -> Pooling:
    if hidden.ndim == 4:
        possible: tuple[Pooling, ...] = ("average",)
    elif lead:
        possible = ("class", "mean")
    else:
        possible = ("mean",)
    if wanted is None:
        return possible[0]
    if wanted not in possible:
        found = f"pooling '{wanted}' of {kind}"
        raise ProblemError(Problem("E17", found, " or ".join(f"'{name}'" for name in possible), "correct the pooling"))
    return wanted


def _averaged(kind: str, overrides: Overrides) -> Overrides:
    """The overrides for a network whose last norm was trained on the mean of its output."""
    if overrides.layer in (None, -1) and overrides.pooling in (None, "mean"):
        return Overrides(pooling="mean").over(overrides)
    found = f"layer {overrides.layer}, pooling '{overrides.pooling}' for {kind}"
    fix = "leave layer and pooling as they are"
    raise ProblemError(Problem("E17", found, "the mean of its output, on which fc_norm was trained", fix))
