"""How the tiny model is made: the section `tiny` of params.yaml, and who is in which part of its world."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from facedance.config.base import Fraction, Section
from facedance.config.sections import FrameCount


class TinyVae(Section):
    """Training of the tiny model's VAE."""

    people: int = Field(ge=1, description="whose pictures it learns from")
    parts: int = Field(ge=1, description="files of pictures")
    steps: int = Field(ge=1, description="of encoder and decoder")
    decoder_steps: int = Field(ge=1, description="after them, of the decoder alone")


class TinyRound(Section):
    """A round of the transformer's training, which begins at the full rates and ends at none: one can be added later.

    Who changes an earlier one removes lab/results/tiny/transformer-state: the checkpoints there know nothing of rounds.
    """

    people: int = Field(ge=1, description="the first so many of the world, whom it sees")
    estimated: float = Field(ge=0, le=1, description="share of poses as the landmarker sees them, instead of with made-up noise")
    steps: int = Field(ge=1)
    decay: int = Field(ge=1, description="last steps, over which the rates fall to zero")


class TinyTransformer(Section):
    """Training of the tiny model's transformer and face branch, from nothing."""

    rounds: list[TinyRound] = Field(min_length=1)
    picture_steps: int = Field(ge=0, description="steps on pictures alone, before clips join them")
    rate: float = Field(gt=0, le=1, description="of the matrices, by Muon")
    other_rate: float = Field(gt=0, le=0.1, description="of all else, by AdamW")
    ema: float = Field(ge=0, lt=1)
    head_weight: float = Field(ge=0, description="the loss counts this much more in the head")
    face_dropout: Fraction
    face_tokens: int = Field(ge=1, le=64)
    face_rank: int = Field(ge=1, le=512)
    mapper_width: int = Field(ge=16, le=4096)


class TinyDecoding(Section):
    """A go of the decoder's last training, with an optimizer of its own."""

    steps: int = Field(ge=1)
    rate: float = Field(gt=0, le=1, description="share of the rates of the VAE's training, from which they fall to none")


class TinyFaces(Section):
    """The last trainings, of decoder and transformer, for faces as the recogniser sees them."""

    decoder: list[TinyDecoding] = Field(min_length=1, description="one go after the other")
    parts: int = Field(ge=1, description="of the world, whose people the transformer is trained with")
    steps: int = Field(ge=1, description="of the transformer")


class TinyMaskWorld(Section):
    """Whom masks are learned from: the first people of the world, in scenes of their own."""

    seed: int = Field(ge=0)
    side: int = Field(ge=64, multiple_of=16, description="width and height of its pictures")
    frames: FrameCount = Field(description="of a clip that goes on")
    short: FrameCount = Field(description="of regions, close-ups and of two dancers")
    parts: int = Field(ge=1, description="files, each of its own job")
    people: int = Field(ge=1)
    dancers: int = Field(ge=1, description="those of them of whom there are clips, not only pictures")
    estimated: float = Field(ge=0, le=1, description="share of poses as the landmarker sees them")


class TinySizeWorld(Section):
    """Of whom sizes are learned: the first people of the world, small or large, and built in several ways."""

    seed: int = Field(ge=0)
    side: int = Field(ge=64, multiple_of=16, description="width and height of its pictures")
    frames: FrameCount
    parts: int = Field(ge=1, description="files, each of its own job")
    people: int = Field(ge=1)


MaskShare = Literal["before", "long", "going", "going_heads", "region", "close", "duet", "wide", "size", "size_long"]


class TinyMaskRound(Section):
    """A part of the training on masks.

    Who lowers `steps` and `decay` on the way ends it sooner, from the last checkpoint on.
    """

    shares: dict[MaskShare, PositiveInt] = Field(description="how many of the steps are of each kind, as a proportion")
    steps: int = Field(ge=1)
    decay: int = Field(ge=1, description="last steps, over which the rates fall to zero")
    rate: float = Field(gt=0, le=1, description="share of the transformer's rates")
    motion: float = Field(ge=0, description="how much errors count that are others in the next frame")
    body: float = Field(ge=0, description="how much more the loss counts where the pose is drawn")
    pose: float = Field(ge=0, description="how much it counts where a landmarker finds the joints")
    lengths: float = Field(ge=0, description="how much more of that the lengths of limbs count than the places of joints")
    told: float = Field(ge=0, le=1, description="1: six of ten prompts tell of the scene; less: fewer of them")
    drifted: float = Field(ge=0, description="largest deviation by which given frames have other colours than the anchor")


class TinyMasks(Section):
    """The last training of the tiny model, on videos of which a part is given."""

    world: TinyMaskWorld
    sizes: TinySizeWorld
    rounds: tuple[TinyMaskRound, ...] = Field(min_length=1)
    halved: int = Field(ge=0, description="last rounds of whose change half is taken")
    ema: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _as_many_as_there_are(self) -> Self:
        if self.halved > len(self.rounds):
            raise ValueError(f"halved: {self.halved} of {len(self.rounds)} rounds; allowed is at most as many as there are")
        return self


class Tiny(Section):
    """How lab/Snakefile makes the tiny model; assets/tiny/meta.json says how the one that comes along was made."""

    seed: int = Field(ge=0)
    side: int = Field(ge=64, multiple_of=16, description="width and height of its pictures")
    frames: FrameCount
    parts: int = Field(ge=1, description="jobs into which the world is divided")
    people: int = Field(ge=1, description="whom the transformer learns from")
    dancers: int = Field(ge=1, description="those of them of whom there is a clip, not only pictures")
    compiled: bool = Field(description="compile the transformer's blocks: minutes at the start, a third of the time of each step")
    vae: TinyVae
    transformer: TinyTransformer
    faces: TinyFaces
    masks: TinyMasks


def people_of(part: int, parts: int, people: int) -> range:
    """Indices of the people in a part of so many.

    Raises:
        ValueError: the people cannot be dealt out evenly.
    """
    if people % parts:
        raise ValueError(f"{people} people in {parts} parts; allowed is a multiple of {parts}")
    size = people // parts
    return range(part * size, (part + 1) * size)
