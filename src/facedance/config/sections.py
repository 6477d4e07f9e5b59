"""The sections of params.yaml and the entries of models.yaml: every value that changes a result, its default and its range.

Descriptions are what docs/parameters.md says of a value, so each is one plain sentence.
"""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from facedance.config.base import Fraction, Name, Section
from facedance.config.captions import Captions
from facedance.config.parts import Part
from facedance.config.render_settings import RenderSettings


def _is_vae_length(frames: int) -> int:
    if frames % 4 != 1:
        raise ValueError(f"{frames} is not of the form 4n+1; nearest are {frames // 4 * 4 + 1} and {frames // 4 * 4 + 5}")
    return frames


FrameCount = Annotated[int, Field(ge=5, le=257), AfterValidator(_is_vae_length)]
"""Of a clip; Wan's VAE has a latent for the first frame and one for each four after it."""

_STEP = 16  # pixels, of which the sides of a picture are a multiple: a token of a published model

_Side = Annotated[int, Field(ge=_STEP, multiple_of=_STEP)]

Size = tuple[int, int]
"""Width and height in pixels."""


class Identity(Section):
    """One person: a folder of photos in data/photos."""

    consent: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)] = Field(
        description="How the person agreed, in your words, or public-domain; without it the photos are not opened."
    )
    trigger: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = Field(
        None, description="What prompts and captions say for {person}, as in `ohwx woman`; none: they say a person."
    )


class Sample(Section):
    """The made-up world that comes with this project: photos of people and dance videos."""

    enabled: bool = Field(True, description="Whether the sample is made and used; false: only your own files count.")
    seed: int = Field(0, ge=0, description="Another number makes other people and dances.")
    identities: tuple[Name, ...] = Field((), description="Those of `identities` whose photos are made up.")
    seconds: float = Field(8.5, ge=2, le=60, description="Length of each dance video.")
    width: int = Field(640, ge=160, multiple_of=2, description="Width of the dance videos in pixels.")
    height: int = Field(360, ge=90, multiple_of=2, description="Height of the dance videos in pixels.")
    fps: int = Field(60, ge=16, le=120, description="Frames a second of the dance videos.")


class Faces(Section):
    """Which photos of a person are used, and how their faces become one embedding."""

    backend: Literal["dlib", "insightface"] = Field(
        "dlib", description="The face recogniser: dlib has free weights, insightface weights for research only."
    )
    insightface_model: Name = Field("buffalo_l", description="The pack of weights, where the backend is insightface.")
    detector_score: float = Field(0.0, ge=0, le=2, description="Faces that the detector is less sure of do not count.")
    min_photos: int = Field(3, ge=3, le=100, description="Fewer usable photos of a person stop the run.")
    min_face_px: int = Field(48, ge=20, description="Photos with a smaller face, in pixels, are left out.")
    min_sharpness: float = Field(20.0, ge=0, description="Photos with a more blurred face are left out.")
    max_yaw_degrees: float = Field(50.0, gt=0, le=90, description="Photos with the face turned further aside are left out.")
    outlier_distance: float | None = Field(
        None, gt=0, le=2, description="Photos further from the typical one are another's; none: dlib 0.55, insightface 1.1."
    )
    aggregation: Literal["mean", "weighted_mean", "median"] = Field(
        "weighted_mean", description="How the photos' embeddings become one; weighted_mean weights them by quality."
    )


class Clips(Section):
    """How videos are cut into clips."""

    whole: bool = Field(
        False,
        description="Whether each stretch with one dancer in view is one clip, however long; false: clips have `frames` frames.",
    )
    max_per_video: int = Field(1, ge=1, le=1000, description="Most clips of one video, from its beginning on.")
    stretches: dict[str, Part] = Field(
        {}, description="Which part of a video is used, by its name or a pattern of names; the first that matches counts."
    )
    crop: Literal["dancer", "follow", "center"] = Field(
        "dancer",
        description="What a clip shows: all places where the dancer goes, the dancer with a camera that follows, or the middle.",
    )
    margin: float = Field(0.12, ge=0, le=1, description="Space kept around the dancer, as a share of their height.")
    group: tuple[str, ...] = Field(
        ("*_sGR_*",), description="Patterns of the names of the videos in which several people dance; others show one dancer."
    )
    people_score: Fraction = Field(0.5, description="How sure the detector must be that somebody is in the picture.")
    ignore_list: str | None = Field(None, description="Path of AIST++'s ignore_list.txt, whose videos are left out.")


class Poses(Section):
    """How a dancer is followed and drawn as a skeleton."""

    use_keypoints2d: bool = Field(True, description="Whether AIST++'s own keypoints are used for the sequences that have them.")
    smoothing: Literal["none", "one_euro"] = Field("none", description="Whether the tracked joints are smoothed over time.")
    min_tracked: Fraction = Field(0.8, description="Clips whose dancer is seen in a smaller share of the frames are left out.")
    max_hidden_legs: Fraction = Field(
        0.25,
        description="Clips are left out whose dancer's legs are hidden in a larger share of the frames; 1 lets upper bodies in.",
    )
    max_unsure: Fraction = Field(
        0.15,
        description="Clips are left out in which two looks differ on a joint in a larger share of the frames; 1 lets all in.",
    )
    max_gap_frames: int = Field(8, ge=0, description="Longest stretch of unseen frames that is filled in.")
    min_visibility: Fraction = Field(0.3, description="Joints that are less surely visible are not drawn.")
    detection_confidence: Fraction = Field(0.5, description="How sure MediaPipe must be to find the dancer.")
    tracking_confidence: Fraction = Field(0.5, description="How sure MediaPipe must be not to look for the dancer again.")
    face_dots: bool = Field(False, description="Whether eyes, ears, nose and mouth are drawn as dots.")


class Dancers(Section):
    """The dancers' own faces in the clips, which the training conditions on."""

    every: int = Field(4, ge=1, description="The dancer's face is looked for in one of so many frames.")
    min_faces: int = Field(3, ge=1, description="With fewer faces seen in a clip, its dancer's face counts as unknown.")


class Phase(Section):
    """A stretch of training steps and what learns in it."""

    steps: int = Field(ge=0, description="Training steps.")
    trains: tuple[Literal["face", "lora"], ...] = Field(min_length=1, description="What learns: face branch, LoRA, or both.")
    learning_rate: float | None = Field(None, gt=0, description="Its own learning rate; none: that of `train`.")


class Train(Section):
    """How a person's LoRA and face branch are trained.

    A model may bring a pretrained face branch along; its sizes then win over face_tokens, face_rank and mapper_width.
    """

    videos: tuple[str, ...] = Field(("*",), description="Patterns of the names of the videos to learn from.")
    prompt: Name = Field("dance", description="What is said of clips, and of photos without a caption: a name under `prompts`.")
    captions: Captions = Captions()
    phases: tuple[Phase, ...] = Field(
        (Phase(steps=1000, trains=("face",)), Phase(steps=1000, trains=("face", "lora"))),
        min_length=1,
        description="Training steps one stretch after the other, and what learns in each.",
    )
    batch_size: int = Field(2, ge=1, description="Clips or photos in a step.")
    photo_share: Fraction = Field(0.8, description="Share of the steps that learn from photos; the others learn from clips.")
    other_faces: Fraction = Field(
        0.0,
        description="Share of the photos in whose place others' faces are seen, where the model brings no face branch: those in "
        "data/people and the dancers' of `videos`, each with its own embedding.",
    )
    face_shares: tuple[Annotated[float, Field(ge=0.05, le=0.5)], ...] = Field(
        (0.3,),
        min_length=1,
        description="How high a photo's face is in the pictures to learn from, as shares of their height, where each shows more.",
    )
    learning_rate: float = Field(1e-4, gt=0, description="How far a step moves the weights.")
    final_learning_rate: Fraction = Field(0.1, description="A phase's last learning rate, as a share of its first.")
    warmup_steps: int = Field(10, ge=0, description="First steps of a phase, in which its learning rate rises from nothing.")
    weight_decay: float = Field(0.01, ge=0, description="How strongly weights are pulled to zero.")
    max_grad_norm: float = Field(1.0, gt=0, description="Longer gradients are shortened to this length.")
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="How much of the past is in the running mean of the weights that is kept; 0: the last weights are."
    )
    identity_weight: float = Field(
        0.0, ge=0, description="Weight of what the face recogniser sees in guesses from photos; 0: it is not asked."
    )
    noise_shift: float = Field(3.0, gt=0, description="Above 1, training sees strong noise more often (renders have flow_shift).")
    lora_rank: int = Field(16, ge=1, le=256, description="Size of the LoRA; a larger one learns more and needs more photos.")
    lora_alpha: float = Field(16, gt=0, description="Strength of the LoRA, which is lora_alpha / lora_rank.")
    lora_targets: tuple[str, ...] = Field(
        ("to_q", "to_k", "to_v", "to_out.0", "ffn.net.0.proj", "ffn.net.2"),
        min_length=1,
        description="Layers of the transformer's blocks that the LoRA is put on.",
    )
    face_tokens: int = Field(4, ge=1, le=64, description="Tokens that a face embedding becomes.")
    face_rank: int = Field(64, ge=1, le=1024, description="Rank of the face branch's keys and values.")
    mapper_width: int = Field(512, ge=8, description="Width of the network that makes the face tokens.")
    text_dropout: Fraction = Field(0.1, description="Share of the items that are seen without their text.")
    face_dropout: Fraction = Field(0.1, description="Share of the items that are seen without their face embedding.")
    reference_dropout: Fraction = Field(0.5, description="Share of the items that are seen without the reference picture.")
    face_weight: float = Field(4.0, ge=0, description="How much more the loss counts in the face than elsewhere.")
    gradient_checkpointing: bool = Field(True, description="Whether a step takes less memory and more time.")
    deterministic: bool | None = Field(
        None,
        description="Whether a training repeated on one machine gives the same bytes; none: without a GPU, which it slows down.",
    )
    kept_memory: float = Field(
        0.0, ge=0, description="With gradient_checkpointing, GiB more that a step may take to save a part of that time."
    )
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints, from which a stopped training goes on.")
    validate_every: int = Field(250, ge=0, description="Steps between looks at a dance held out; 0: never.")
    select: Literal["last", "best"] = Field(
        "best", description="Whose weights are kept: those of the last step, or those whose render of that dance is judged best."
    )
    patience: int = Field(
        3, ge=1, description="With select best, a training ends after so many looks in its last phase that found nothing better."
    )
    preview_steps: int = Field(8, ge=1, le=50, description="Denoising steps of the render of that dance.")
    preview_guidance_scale: float = Field(3.0, ge=1, description="Guidance scale of that render; 1 takes half the time.")
    seed: int = Field(0, ge=0, description="Another number draws other noise and another order.")

    @property
    def learned(self) -> set[str]:
        """What learns in any phase: "face", "lora"."""
        return {part for phase in self.phases for part in phase.trains}

    @property
    def learns_clips(self) -> bool:
        """Whether more is learned from than photos."""
        return bool(self.videos) and self.photo_share < 1


class WanModel(Section):
    """A Wan2.1-VACE model, where it comes from and the sizes that it works at."""

    repo: str | None = Field(None, description="Repository of the hub in diffusers' layout; none: it comes with this project.")
    revision: str | None = Field(None, description="Commit, tag or branch of the repository.")
    folder: str | None = Field(None, description="Folder of weights that are here already, instead of the repository's.")
    sizes: tuple[tuple[_Side, _Side], ...] = Field(
        min_length=1,
        description="Widths and heights of renders in pixels, multiples of 16; each clip has the one that suits its dance best.",
    )
    group_sizes: tuple[tuple[_Side, _Side], ...] = Field(
        (), description="Further ones, for clips of several dancers (`clips.group`)."
    )
    frames: FrameCount = Field(description="Most frames of a clip, one more than a multiple of four; short videos have fewer.")
    fps: int = Field(ge=4, le=60, description="Frames a second.")
    clip_scale: int = Field(ge=1, le=4, description="How many times larger than a render clips are kept.")
    drawing_side: int = Field(ge=128, le=1024, multiple_of=64, description="Short side in pixels at which skeletons are drawn.")
    dtype: Literal["float32", "bfloat16"] = Field(description="Numbers that the model computes with.")

    def clip_size(self, size: Size) -> Size:
        """The size of the clips, and of their control videos, whose renders have this one of the model's."""
        return size[0] * self.clip_scale, size[1] * self.clip_scale

    def render_size(self, clip_size: Size) -> Size:
        """The size of the renders of clips of this size."""
        return clip_size[0] // self.clip_scale, clip_size[1] // self.clip_scale

    @property
    def all_sizes(self) -> tuple[Size, ...]:
        """Those of clips of one dancer first, and then those that only groups have."""
        return self.sizes + self.group_sizes

    @property
    def largest(self) -> Size:
        """The size with the most pixels, the first of equals: what takes the most memory."""
        return max(self.all_sizes, key=lambda size: size[0] * size[1])

    @property
    def square(self) -> Size:
        """The size in which heads are made once more: its own largest square, or one of no more pixels than its largest size."""
        own = [width for width, height in self.sizes if width == height]
        side = max(own, default=int(math.sqrt(math.prod(self.largest))) // _STEP * _STEP)
        return side, side


class Model(WanModel):
    """An entry of models.yaml: a model, and what it wants of training and rendering."""

    prompts: dict[Name, str] = Field({}, description="Prompts for this model, where params.yaml gives none of the name.")
    train: Train = Field(Train(), description="Values of `train` for this model, where params.yaml gives none.")
    render: RenderSettings = Field(RenderSettings(), description="Values of `render.settings` for this model, likewise.")


class Evaluate(Section):
    """How renders are scored."""

    every: int = Field(4, ge=1, description="One of so many frames is scored.")
    recognised_distance: float | None = Field(
        None, gt=0, le=2, description="Faces nearer than this count as the person; none: dlib 0.6, insightface 1.2."
    )
