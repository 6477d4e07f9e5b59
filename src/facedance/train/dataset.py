"""What a training learns from: clips with their dancers' own faces, and photos of the person as videos of one frame.

Each dancer's own face beside each dancer's clip is what teaches the face branch to turn an embedding into a face; the
photos teach the person. Which item a step sees, at which noise level and with which conditions is a function of seed,
step and place in the batch alone, so a training that goes on needs no state of a random generator.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from facedance.aist.names import sequence_name
from facedance.config.captions import TrainingTexts, shown_in
from facedance.config.patterns import matches
from facedance.config.sections import Size, Train, WanModel
from facedance.faces.embedding import load_embeddings
from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.latents.references import read_reference, reference_name
from facedance.names import of_window, video_of_clip
from facedance.train.items import Item, Loadable
from facedance.wan import flow

Kind = Literal["clip", "photo"]

REFERENCE_WEIGHT = 0.3
"""Of the loss on the reference's latent frame: enough to keep the model on the frame that it denoises there."""

_VAE_STRIDE = 4  # frames of a latent frame, but for the first, which has one

NO_TEXT = ""
"""The text of which dropout makes any other."""


@dataclass(frozen=True)
class TrainingFiles:
    """What one training reads."""

    model: Path  # folder of the video model
    recogniser: Path  # folder of the face recogniser's weights, which only an identity_weight above 0 needs
    prompts: Path  # safetensors: text embeddings by their texts
    manifests: Sequence[Path]  # csv: clip, status, width, height, file, sha256 of the clips' latents
    latents: Path  # folder of these latents
    boxes: Sequence[Path]  # parquet: the dancers' faces in the clips
    dancers: Sequence[Path]  # safetensors: the dancers' embeddings by clip
    photos: Path  # safetensors: latents of the person's photos
    embedding: Path  # safetensors: the identity embedding of the person

    def digests(self) -> dict[str, str]:
        """Digest of the content of each file that is used as a whole."""
        return {"photos": sha256(self.photos), "embedding": sha256(self.embedding)}


@dataclass(frozen=True)
class Source:
    """Where an item lies; boxes are x0, y0, x1, y1 in pixels of a frame of `frame_size`, NaN where unknown."""

    name: str
    kind: Kind
    path: Path
    sha256: str  # of the file
    boxes: NDArray[np.float32]  # (T, 4)
    frame_size: Size
    embedding: Tensor | None
    text: Tensor | None = None  # (512, text dim) its own; None where the dataset's goes with it
    window: int = 0  # of a clip that is longer than what the model makes at once

    @property
    def dance(self) -> str:
        """The performance that a clip shows: its video, which for AIST's has the same name from all cameras."""
        return sequence_name(video_of_clip(self.name))

    @property
    def digest(self) -> str:
        """Of all that a training may learn from it."""
        known = None if self.embedding is None else self.embedding.tolist()
        return digest([self.name, self.window, self.sha256, self.boxes.tolist(), known])

    def load(self) -> Item:
        """Read the latents."""
        prefix = f"{self.name}." if self.kind == "photo" else ""
        with safe_open(self.path, framework="pt") as file:
            names = set(file.keys())
            video = file.get_tensor(of_window(f"{prefix}video", self.window))
            control = file.get_tensor(of_window(f"{prefix}control", self.window)).float()
            head = reference_name(video) if self.kind == "photo" else "reference"
            reference = file.get_tensor(head) if head in names else None
            seen = file.get_tensor(f"{prefix}seen").numpy() if f"{prefix}seen" in names else None
            landmarks = file.get_tensor(f"{prefix}landmarks") if f"{prefix}landmarks" in names else None
        shape = (video.shape[1], video.shape[2], video.shape[3])
        return Item(
            video,
            control,
            reference,
            # A short clip has fewer frames than there are boxes for.
            face=flow.box_mask(self.boxes[: 1 + _VAE_STRIDE * (shape[0] - 1)], self.frame_size, shape),
            seen=torch.ones(1, *shape) if seen is None else flow.box_mask(np.tile(seen, (shape[0], 1)), self.frame_size, shape),
            landmarks=landmarks,
            embedding=self.embedding,
        )


@dataclass(frozen=True)
class Dataset:
    """The sources of a training. `heldout` is a clip of a dance that is in none of the others."""

    clips: tuple[Source, ...]
    photos: tuple[Loadable, ...]  # a person's are named by photo and by how much of them it shows, as in `IMG_1.jpg.half`
    heldout: Source | None
    text: Tensor  # (512, text dim) of the clips
    no_text: Tensor  # (512, text dim)
    preview_text: Tensor  # (512, text dim) of the person in the dance held out
    identity: Tensor  # (D,) embedding of the person
    preview_reference: Tensor | None = None  # (z, 1, h, w) the person's head, as it goes with the dance held out

    def text_of(self, source: Loadable) -> Tensor:
        """What is said of a clip or photo, (512, text dim)."""
        return self.text if source.text is None else source.text

    def digests(self) -> dict[str, str]:
        """Of the content of the clips to learn from, of the one held out, and of the texts."""
        texts = torch.stack([self.text, self.no_text, *map(self.text_of, self.photos)]).view(torch.uint8)
        return {
            "clips": digest([clip.digest for clip in self.clips]),
            # Where photos alone are learned from, a clip is only looked at.
            "heldout": self.heldout.digest if self.heldout and self.clips else "",
            "texts": hashlib.sha256(texts.numpy().tobytes()).hexdigest(),
        }


@dataclass(frozen=True)
class Example:
    """Items, each at its noise level, as the transformer takes them: F = T', and one frame more with a reference in front."""

    latents: Tensor  # (B, z, F, h, w)
    target: Tensor  # (B, z, F, h, w)
    control: Tensor  # (B, c, F, h, w)
    weight: Tensor  # (B, 1, F, h, w)
    face: Tensor  # (B, 1, F, h, w) in [0, 1]
    landmarks: Tensor | None  # (B, 5, 2) of the face in the last frame, in pixels
    text: Tensor  # (B, 512, text dim)
    embedding: Tensor  # (B, 1, D); zeros for no face
    sigma: Tensor  # (B,)
    chance: tuple[int, ...]  # for each item the seed of what else is left to chance


def read_dataset(files: TrainingFiles, wan: WanModel, train: Train, said: TrainingTexts) -> Dataset:
    """Gather the sources. The last dance (by name) whose dancer's face is known is held out, if there is another.

    Clips are those of `train.videos`; without any, the last of all that are there is held out, to look at. `said` is what goes
    with clips and photos.

    Raises:
        InputError: there is no photo, or photos were encoded for other sizes.
    """
    identity = torch.from_numpy(load_embeddings(files.embedding)["embedding"].vector)
    clips = _clips(files, wan, train.videos or ("*",))
    learned = clips if train.videos else []
    known = [clip for clip in clips if clip.embedding is not None]
    heldout = known[-1] if known and (not learned or any(clip.dance != known[-1].dance for clip in learned)) else None
    with safe_open(files.photos, framework="pt") as file:
        names = sorted(name.removesuffix(".video") for name in file.keys() if name.endswith(".video"))  # noqa: SIM118
        boxes = {name: file.get_tensor(f"{name}.box").numpy()[None] for name in names}
        sizes: dict[str, Size] = {name: tuple(file.get_tensor(f"{name}.size").tolist()) for name in names}
    if not names:
        raise InputError(f"{files.photos} holds no photo; run the faces and latents stages again")
    texts, content = load_file(files.prompts), sha256(files.photos)
    captions = {name: texts[said.photos[shown_in(name)]] for name in names}
    return Dataset(
        clips=tuple(clip for clip in learned if heldout is None or clip.dance != heldout.dance),
        photos=tuple(Source(n, "photo", files.photos, content, boxes[n], sizes[n], identity, captions[n]) for n in names),
        heldout=heldout,
        text=texts[said.clips],
        no_text=texts[NO_TEXT],
        preview_text=texts[said.dance],
        identity=identity,
        preview_reference=read_reference(files.photos, heldout.load().video) if heldout else None,
    )


def step_kind(dataset: Dataset, train: Train, step: int) -> Kind:
    """Whether a step learns from clips or from photos."""
    chance = float(torch.rand((), generator=generator(train.seed, step)))
    return "photo" if chance < train.photo_share or not dataset.clips else "clip"


def draw_example(dataset: Dataset, train: Train, step: int, index: int) -> Example:
    """What the `index`-th item of a step's batch is: item, noise and dropped conditions."""
    sources = dataset.photos if step_kind(dataset, train, step) == "photo" else dataset.clips
    random = generator(train.seed, step, index)
    which, u, text, face, reference = torch.rand(5, generator=random).tolist()
    source = sources[int(which * len(sources))]
    item = source.load()
    return make_example(
        item,
        text=dataset.no_text if text < train.text_dropout else dataset.text_of(source),
        embedding=torch.zeros_like(dataset.identity) if face < train.face_dropout or item.embedding is None else item.embedding,
        sigma=flow.shifted(u, train.noise_shift),
        with_reference=reference >= train.reference_dropout,
        face_weight=train.face_weight,
        random=random,
    )


def make_example(
    item: Item,
    *,
    text: Tensor,
    embedding: Tensor,
    sigma: float,
    with_reference: bool,
    face_weight: float,
    random: torch.Generator,
) -> Example:
    """An item with noise and conditions. The loss counts 1 + face_weight in the face and nothing on padding.

    The reference is laid out as WanVACEPipeline does: one latent frame in front, whose control is the reference itself
    with zeros for the reactive half and the mask.
    """
    video, control, face, weight = item.video, item.control, item.face, item.seen * (1 + face_weight * item.face)
    if with_reference and item.reference is not None:
        missing = control.new_zeros(control.shape[0] - item.reference.shape[0], *item.reference.shape[1:])
        video = torch.cat([item.reference, video], dim=1)
        control = torch.cat([torch.cat([item.reference, missing]), control], dim=1)
        face = torch.cat([torch.zeros_like(face[:, :1]), face], dim=1)
        weight = torch.cat([torch.full_like(weight[:, :1], REFERENCE_WEIGHT), weight], dim=1)
    noise = torch.randn(video.shape, generator=random)
    return Example(
        latents=flow.noised(video, noise, sigma)[None],
        target=flow.velocity(video, noise)[None],
        control=control[None],
        weight=weight[None],
        face=face[None],
        landmarks=None if item.landmarks is None else item.landmarks[None],
        text=text[None],
        embedding=embedding[None, None],
        sigma=torch.tensor([sigma]),
        chance=(int(torch.randint(2**31, (), generator=random)),),
    )


def stacked(examples: Sequence[Example]) -> list[Example]:
    """The same items with those of one shape together, for fewer and larger operations."""
    alike: dict[tuple[torch.Size, bool], list[Example]] = {}
    for example in examples:
        alike.setdefault((example.latents.shape, example.landmarks is None), []).append(example)
    return [_together(group) for group in alike.values()]


def _together(examples: Sequence[Example]) -> Example:
    def joined(name: str) -> Any:
        values = [getattr(example, name) for example in examples]
        return torch.cat(values) if isinstance(values[0], Tensor) else values[0]

    chances = tuple(chance for example in examples for chance in example.chance)
    return Example(**{field.name: joined(field.name) for field in fields(Example)} | {"chance": chances})


def generator(*place: int) -> torch.Generator:
    """A random generator that depends on its place only, such as seed, step and index."""
    return torch.Generator().manual_seed(int(digest(place)[:15], 16))


def _clips(files: TrainingFiles, wan: WanModel, videos: Sequence[str]) -> list[Source]:
    """The accepted clips of the videos whose names match one of the glob patterns `videos`, long ones window by window."""
    if not files.manifests:
        return []
    manifests = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in files.manifests])
    wanted = manifests["clip"].map(lambda clip: matches(video_of_clip(clip), videos)).astype(bool)
    accepted = manifests[wanted & (manifests["status"] == "accepted")].sort_values("clip")
    embeddings = {clip: e for path in files.dancers for clip, e in load_embeddings(path).items()}
    boxes = pd.concat([pd.read_parquet(path) for path in files.boxes])
    by_clip = {str(clip): rows for clip, rows in boxes.groupby("clip")}
    sources, columns = [], ["clip", "width", "height", "file", "sha256"]
    for clip, width, height, file, file_digest in accepted[columns].itertuples(index=False):
        windows = _windows_in(files.latents / file)
        frames = np.full((windows * wan.frames, 4), np.nan, np.float32)
        if (rows := by_clip.get(clip)) is not None:
            encoded = rows[rows["frame"] < len(frames)]
            frames[encoded["frame"]] = encoded[["x0", "y0", "x1", "y1"]]
        embedding = torch.from_numpy(embeddings[clip].vector) if clip in embeddings else None
        whole = Source(clip, "clip", files.latents / file, file_digest, frames, (int(width), int(height)), embedding)
        sources += [replace(whole, boxes=boxes, window=i) for i, boxes in enumerate(np.split(frames, windows))]
    return sources


def _windows_in(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return sum(name.startswith("video") for name in file.keys())  # noqa: SIM118
