"""The ways in which a clip is rendered and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Who = Literal["own", "other"]
Lora = Literal["own", "self-compared"]


LORA = "lora"
"""Folder of the adapters, in that of the person."""
ADAPTERS: Mapping[Lora, str] = {"own": "adapter.safetensors", "self-compared": "self_compared.safetensors"}
"""Their files."""
METRICS = "metrics.csv"
"""The losses of the first."""


@dataclass(frozen=True)
class Recipe:
    """Where the face of a render comes from; "own" is the clip's person, "other" the next one of the benchmark."""

    face: float | Literal["blend"] | None = None  # on the way from own (0) to other (1); half of each; None: no face branch
    reference: Who | None = None
    face_scale: float = 1.0
    lora: Lora | None = None
    pose: Literal["estimated", "known"] = "estimated"


@dataclass(frozen=True)
class Variant:
    """A row of a table."""

    name: str
    table: Literal["faces", "two people"]
    recipe: Recipe


DRIVER, TRUTH, VAE = "the driving dancer (another face)", "the person drawn in their place", "the same through the VAE"
"""Not rendered, but judged like renders."""

BASE, ADAPTER, REFERENCE = "base: no face", "adapter only", "reference only"
BOTH, WITH_LORA = "adapter + reference", "adapter + reference + LoRA"

VARIANTS = (
    Variant(BASE, "faces", Recipe()),
    Variant("a LoRA from a loss that compares a tensor with itself", "faces", Recipe(lora="self-compared")),
    Variant(ADAPTER, "faces", Recipe(face=0)),
    Variant(REFERENCE, "faces", Recipe(reference="own")),
    Variant(BOTH, "faces", Recipe(face=0, reference="own")),
    Variant("adapter + LoRA", "faces", Recipe(face=0, lora="own")),
    Variant(WITH_LORA, "faces", Recipe(face=0, reference="own", lora="own")),
    Variant("adapter + reference, true joints", "faces", Recipe(face=0, reference="own", pose="known")),
    Variant("adapter only, face_scale 0", "faces", Recipe(face=0, face_scale=0)),
    Variant("adapter only, face_scale 0.5", "faces", Recipe(face=0, face_scale=0.5)),
    Variant("adapter only, face_scale 1", "faces", Recipe(face=0)),
    Variant("adapter only, face_scale 1.5", "faces", Recipe(face=0, face_scale=1.5)),
    Variant("the second's embedding and photo", "two people", Recipe(face=1, reference="other")),
    Variant("blend 50/50 and the first's photo", "two people", Recipe(face="blend", reference="own")),
    *(Variant(f"adapter only, t = {t:g}", "two people", Recipe(face=t)) for t in (0.0, 0.25, 0.5, 0.75, 1.0)),
)


FEW = tuple(variant for variant in VARIANTS if variant.name in {BASE, BOTH})


def sources(variants: Sequence[Variant]) -> dict[Recipe, str]:
    """The recipes of these variants, each once, with the name of the first that is made by it."""
    names: dict[Recipe, str] = {}
    for variant in variants:
        names.setdefault(variant.recipe, variant.name)
    return names
