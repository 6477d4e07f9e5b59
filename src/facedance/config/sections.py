"""The sections of params.yaml: every value that changes a result, with its allowed range.

They are frozen and refuse unknown keys.
"""

import itertools
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from facedance.config.render_settings import Guidance, RenderSettings, Steps, format_variant, parse_variant

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""Names become folder names and wildcards, so they hold no separator and no space."""

Fraction = Annotated[float, Field(ge=0, le=1)]


def _is_vae_length(frames: int) -> int:
    if frames % 4 != 1:
        raise ValueError(f"{frames} is not of the form 4n+1; nearest are {frames // 4 * 4 + 1} and {frames // 4 * 4 + 5}")
    return frames


FrameCount = Annotated[int, Field(ge=5, le=257), AfterValidator(_is_vae_length)]
"""Of a clip; Wan's VAE has a latent for the first frame and one for each four after it."""


class Section(BaseModel):
    """One section of params.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Identity(Section):
    """One person: a folder of photos in data/photos."""

    consent: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]


class WanModel(Section):
    """A Wan2.1-VACE model, where it comes from and the sizes that it works at."""

    repo: str | None = Field(description="hub repository in diffusers' layout; null: built by this project")
    revision: str | None
    folder: str | None = Field(default=None, description="weights that are here already, in the place of the repository's")
    width: int = Field(ge=16, multiple_of=16)
    height: int = Field(ge=16, multiple_of=16)
    frames: FrameCount
    fps: int = Field(ge=4, le=60)
    clip_scale: int = Field(ge=1, le=4, description="clips are kept this many times larger than the model's frames")
    drawing_side: int = Field(ge=128, le=1024, multiple_of=64, description="short side at which poses are drawn")
    flow_shift: float = Field(gt=0, le=20)
    dtype: Literal["float32", "bfloat16"]

    @property
    def clip_size(self) -> tuple[int, int]:
        """Width and height in pixels of a normalised clip and its control video."""
        return self.width * self.clip_scale, self.height * self.clip_scale


class Sample(Section):
    """The embedded sample world."""

    enabled: bool
    seed: int = Field(ge=0)
    identities: tuple[Name, ...]
    seconds: float = Field(ge=2, le=60)
    width: int = Field(ge=160, multiple_of=2)
    height: int = Field(ge=90, multiple_of=2)
    fps: int = Field(ge=16, le=120)


class Faces(Section):
    """Detection, selection and aggregation of the photos of one person."""

    backend: Literal["dlib", "insightface"]
    insightface_model: Name
    detector_score: float = Field(ge=0, le=2)
    min_photos: int = Field(ge=3, le=100)
    min_face_px: int = Field(ge=20)
    min_sharpness: float = Field(ge=0)
    max_yaw_degrees: float = Field(gt=0, le=90)
    outlier_distance: float = Field(gt=0, le=2)
    aggregation: Literal["mean", "weighted_mean", "median"]


class Clips(Section):
    """Cutting videos into clips."""

    max_per_video: int = Field(ge=1, le=1000)
    margin: float = Field(ge=0, le=1, description="space kept around the dancer, as a share of their height")
    crop: Literal["dancer", "center"]
    people_score: Fraction
    ignore_list: str | None


class Poses(Section):
    """Landmarks and control videos."""

    detection_confidence: Fraction
    tracking_confidence: Fraction
    min_visibility: Fraction
    max_gap_frames: int = Field(ge=0)
    min_tracked: Fraction
    smoothing: Literal["none", "one_euro"]
    face_dots: bool
    use_keypoints2d: bool


class Dancers(Section):
    """The dancers' own faces in the clips: boxes and embeddings that the training conditions on."""

    every: int = Field(ge=1)
    min_faces: int = Field(ge=1)


class Phase(Section):
    """A stretch of training steps and what learns in it."""

    steps: int = Field(ge=0)
    trains: tuple[Literal["face", "lora"], ...] = Field(min_length=1)


class TrainDefaults(Section):
    """What a model's size decides about training."""

    phases: tuple[Phase, ...] = Field(min_length=1)
    learning_rate: float = Field(gt=0)
    photo_share: Fraction = Field(description="share of what it learns from that is photos and not clips")
    identity_weight: float = Field(ge=0, description="of what dlib's recogniser sees in guesses from photos; 0: it is not asked")
    gradient_checkpointing: bool
    checkpoint_every: int = Field(ge=1)
    validate_every: int = Field(ge=0)


class RenderDefaults(Section):
    """What a model decides about rendering."""

    steps: Steps
    guidance_scale: Guidance


class ModelDefaults(Section):
    """Values that stand in for null in `train:` and `render.settings:`."""

    train: TrainDefaults
    render: RenderDefaults


class Train(TrainDefaults):
    """LoRA and face adapter.

    A model may bring a pretrained face branch along; its sizes then win over face_tokens, face_rank and mapper_width.
    """

    videos: tuple[str, ...] = Field(description="glob patterns on the videos' names: whose clips and dancers it learns from")
    batch_size: int = Field(ge=1)
    final_learning_rate: Fraction = Field(description="last learning rate as a share of the first")
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(gt=0)
    lora_rank: int = Field(ge=1, le=256)
    lora_alpha: float = Field(gt=0)
    lora_targets: tuple[str, ...] = Field(min_length=1)
    face_tokens: int = Field(ge=1, le=64)
    face_rank: int = Field(ge=1, le=1024)
    mapper_width: int = Field(ge=8)
    text_dropout: Fraction
    face_dropout: Fraction
    reference_dropout: Fraction
    face_weight: float = Field(ge=0)
    flow_shift: float = Field(gt=0)
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    seed: int = Field(ge=0)


class Blend(Section):
    """A face between several: by weights, or from one to another at t (a number, or moving over the clip)."""

    weights: dict[Name, Annotated[float, Field(gt=0)]] | None = None
    between: tuple[Name, Name] | None = None
    t: Fraction | Literal["moving"] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Blend":
        if (self.weights is None) == (self.between is None) or (self.between is None) != (self.t is None):
            raise ValueError("give either weights, or between and t")
        if self.weights is not None and len(self.weights) < 2:
            raise ValueError("weights need at least two identities")
        return self

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self.weights) if self.weights else self.between or ()


class Batch(Section):
    """Renders made by default: every `who` in every clip of the videos that match, in every variant."""

    who: tuple[Name, ...] = Field(min_length=1)
    videos: tuple[str, ...] = Field(min_length=1, description="glob patterns on the videos' names")
    variants: tuple[str, ...] = ("default",)
    sweep: dict[str, tuple[float | int | bool, ...]] = {}

    def all_variants(self) -> tuple[str, ...]:
        """The listed variants and the product of the sweep, in canonical form and without repeats."""
        listed = [format_variant(parse_variant(v)) for v in self.variants]
        swept = [format_variant(dict(zip(self.sweep, values, strict=True))) for values in itertools.product(*self.sweep.values())]
        return tuple(dict.fromkeys(listed + (swept if self.sweep else [])))


class ForeignLora(Section):
    """A LoRA file of another program, put on the base model for every render: here already, or in a repository of the hub."""

    file: str = Field(pattern=r"\.safetensors$", description="its path here, or its name in the repository")
    repo: str | None = None
    revision: str | None = None
    scale: float = Field(gt=0, le=4)

    @model_validator(mode="after")
    def _pinned(self) -> "ForeignLora":
        if (self.repo is None) != (self.revision is None):
            raise ValueError("give repo and revision together, or neither for a file that is here")
        return self


class RenderMemory(Section):
    """What rendering does to get along with less GPU memory; float8 and tiles change the pictures a little."""

    weights: Literal["resident", "float8", "offloaded"] = Field(description="of the transformer's blocks")
    tiled_decoding: bool = Field(description="decode pictures of more than 256 pixels in overlapping tiles")


class RenderSpeed(Section):
    """What rendering may do to be faster; the pictures change by rounding, with sage a little more."""

    compiled: bool = Field(description="compile the transformer's blocks: minutes at the start of each job, then faster steps")
    attention: Literal["native", "flash", "flash3", "sage"] = Field(
        description="native: torch's own, which takes the fastest of its kernels that the GPU has; the others are packages of "
        "their own: flash-attn, flash_attn_interface (Hopper), sageattention"
    )


class Render(Section):
    """Settings of a default render, LoRAs beside the person's, the blends, and what is rendered."""

    settings: RenderSettings
    memory: RenderMemory
    speed: RenderSpeed
    loras: dict[Name, ForeignLora]
    blends: dict[Name, Blend]
    batches: tuple[Batch, ...]


class Evaluate(Section):
    """Scoring of the renders."""

    every: int = Field(ge=1)
    recognised_distance: float = Field(gt=0, le=2)
