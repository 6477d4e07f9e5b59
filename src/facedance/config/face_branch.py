"""The section `face_branch` of params.yaml."""

from typing import Annotated

from pydantic import Field

from facedance.config.base import Section

Share = Annotated[float, Field(gt=0, le=0.5)]

OF_TRAIN = ("face_tokens", "face_rank", "mapper_width", "face_weight", "noise_shift", "seed")
"""Values of `train` that change a face branch too."""

NOBODY_ELSE = (
    "The model has no face branch and there is no face of others to learn from, so the new one learns each person alone: the "
    "LoRA carries most of the face, and render.settings.face_scale has a part of its strength. To change that, train a branch "
    "from portraits of many people (docs/face-branch.md)."
)
"""Said of a person's training that begins a branch, before it and in it."""


class FaceBranchTraining(Section):
    """How a face branch is trained for a model, from portraits of many people in data/people; sizes are those of `train`."""

    licence: str = Field(
        "", description="Under which licence, or with whose consent, the portraits may teach a model; empty: nothing is computed."
    )
    heldout: Share = Field(0.02, description="Share of the people who are not learned from, by whom the branch is judged.")
    steps: int = Field(20000, ge=1, description="Training steps.")
    learning_rate: float = Field(1e-4, gt=0, description="How far a step moves the weights.")
    batch_size: int = Field(16, ge=1, description="Portraits in a step.")
    identity_weight: float = Field(
        4.0, ge=0, description="Weight of what the recogniser sees in guesses from portraits; 0: it is not asked."
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="Share of the portraits that are seen without their face embedding, and as many without their text."
    )
