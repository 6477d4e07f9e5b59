"""What a training learns from: clips with their dancers' own faces, photos of the person, and single faces of others.

Faces of others, each with its own embedding, are what teaches the face branch to turn an embedding into a face; the photos
teach the person. Which item a step sees, at which noise level and with which conditions is a function of seed,
step and place in the batch alone, so a training that goes on needs no state of a random generator.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from facedance.aist.names import sequence_name
from facedance.config.captions import TrainingTexts, photo_of, shown_in
from facedance.config.patterns import matches
from facedance.config.sections import Size, Train, WanModel
from facedance.faces.embedding import load_embeddings
from facedance.files import digest, sha256
from facedance.job import InputError
from facedance.latents.references import read_reference, reference_name
from facedance.names import of_window, video_of_clip
from facedance.train.example import Example, generator, make_example
from facedance.train.items import Item, Loadable
from facedance.train.portraits import PortraitSource, portraits_digest, read_portraits
from facedance.train.window import window_side
from facedance.wan import flow
from facedance.wan.pretrained_face import FACE_BRANCH, has_face_branch

Kind = Literal["clip", "photo"]

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
    faces: Path  # safetensors: the embedding of each of the person's photos, which only a new face branch needs
    tables: Sequence[Path] = ()  # csv of each part of the portraits of others, which only it needs
    portraits: Sequence[Path] = ()  # safetensors of each part, in the same order

    def digests(self) -> dict[str, str]:
        """Digest of the content of each file that is used as a whole."""
        used = {"photos": self.photos, "embedding": self.embedding} | ({"faces": self.faces} if self.begin_a_branch else {})
        return {name: sha256(path) for name, path in used.items()}

    @property
    def begin_a_branch(self) -> bool:
        """Whether the face branch is a new one, since the model brings none."""
        return not has_face_branch(self.model / FACE_BRANCH)


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
    """The sources of a training. `heldout` is a clip of a dance that is in none of the others.

    `others` are faces of other people. They teach the face branch alone: the LoRA is the person's, and is off there.
    """

    clips: tuple[Source, ...]
    photos: tuple[Loadable, ...]  # named by photo and by how much of the person it shows, as in `IMG_1.jpg.half`
    heldout: Source | None
    text: Tensor  # (512, text dim) of the clips
    no_text: Tensor  # (512, text dim)
    preview_text: Tensor  # (512, text dim) of the person in the dance held out
    identity: Tensor  # (D,) embedding of the person
    preview_reference: Tensor | None = None  # (z, 1, h, w) the person's head, as it goes with the dance held out
    others: tuple[PortraitSource, ...] = ()

    def text_of(self, source: Loadable) -> Tensor:
        """What is said of a clip or photo, (512, text dim)."""
        return self.text if source.text is None else source.text

    def digests(self) -> dict[str, str]:
        """Of the content of the clips to learn from, of the one held out, and of the texts to learn with."""
        learned = map(self.text_of, (*self.clips[:1], *self.photos, *self.others[:1]))
        texts = torch.stack([self.no_text, *learned]).view(torch.uint8)
        return {
            "clips": digest([clip.digest for clip in self.clips]),
            # Where photos alone are learned from, a clip is only looked at.
            "heldout": self.heldout.digest if self.heldout and self.clips else "",
            "texts": hashlib.sha256(texts.numpy().tobytes()).hexdigest(),
            "others": portraits_digest(self.others),
        }


def read_dataset(files: TrainingFiles, wan: WanModel, train: Train, said: TrainingTexts) -> Dataset:
    """Gather the sources. The last dance (by name) whose dancer's face is known is held out, if there is another.

    Clips are those of `train.videos`, or without any all that are there. Where photos alone are learned from, the last one is
    held out, to look at, whether its dancer's face is known or not. `said` is what goes with clips and photos.

    Raises:
        InputError: there is no photo, or photos were encoded for other sizes.
    """
    identity = torch.from_numpy(load_embeddings(files.embedding)["embedding"].vector)
    own = load_embeddings(files.faces) if files.begin_a_branch else {}  # with one for all, it would learn a constant
    clips = _clips(files, wan, train.videos or ("*",))
    learned = clips if train.learns_clips else []
    known = [clip for clip in clips if clip.embedding is not None] or ([] if learned else clips)
    heldout = known[-1] if known and (not learned or any(clip.dance != known[-1].dance for clip in learned)) else None
    with safe_open(files.photos, framework="pt") as file:
        names = sorted(name.removesuffix(".video") for name in file.keys() if name.endswith(".video"))  # noqa: SIM118
        boxes = {name: file.get_tensor(f"{name}.box").numpy()[None] for name in names}
        sizes: dict[str, Size] = {name: tuple(file.get_tensor(f"{name}.size").tolist()) for name in names}
    if not names:
        raise InputError(f"{files.photos} holds no photo; run the faces and latents stages again")
    texts, content = load_file(files.prompts), sha256(files.photos)
    captions = {name: texts[said.photos[shown_in(name)]] for name in names}
    faces = {name: torch.from_numpy(own[photo_of(name)].vector) if own else identity for name in names}
    return Dataset(
        clips=tuple(clip for clip in learned if heldout is None or clip.dance != heldout.dance),
        photos=tuple(Source(n, "photo", files.photos, content, boxes[n], sizes[n], faces[n], captions[n]) for n in names),
        heldout=heldout,
        text=texts[said.clips],
        no_text=texts[NO_TEXT],
        preview_text=texts[said.dance],
        identity=identity,
        preview_reference=read_reference(files.photos, heldout.load().video) if heldout else None,
        others=tuple(_others(files, wan, train, texts[said.others])),
    )


def step_kind(dataset: Dataset, train: Train, step: int) -> Kind:
    """Whether a step learns from clips or from photos."""
    chance = float(torch.rand((), generator=generator(train.seed, step)))
    return "photo" if chance < train.photo_share or not dataset.clips else "clip"


def draw_example(dataset: Dataset, train: Train, step: int, index: int) -> Example:
    """What the `index`-th item of a step's batch is: item, noise and dropped conditions."""
    random = generator(train.seed, step, index)
    which, u, text, face, reference = torch.rand(5, generator=random).tolist()
    photos = step_kind(dataset, train, step) == "photo"
    share = train.other_faces if photos and dataset.others else 0.0
    sources: Sequence[Loadable] = dataset.photos if photos else dataset.clips
    if of_others := which < share:
        sources, which = dataset.others, which / share
    else:
        which = (which - share) / (1 - share)
    source = sources[int(which * len(sources))]
    item = source.load()
    embedding = torch.zeros_like(dataset.identity) if face < train.face_dropout or item.embedding is None else item.embedding
    example = make_example(
        item,
        text=dataset.no_text if text < train.text_dropout else dataset.text_of(source),
        embedding=embedding,
        sigma=flow.shifted(u, train.noise_shift),
        with_reference=reference >= train.reference_dropout,
        face_weight=train.face_weight,
        random=random,
    )
    return replace(example, with_lora=False) if of_others else replace(example, shown=dataset.identity[None])


def _others(files: TrainingFiles, wan: WanModel, train: Train, text: Tensor) -> list[PortraitSource]:
    """Faces of other people, where there is a new face branch to learn from them."""
    if not (train.other_faces and "face" in train.learned and files.begin_a_branch and files.portraits):
        return []
    people = read_portraits(files.tables, files.portraits, window_side(wan))
    return [replace(portrait, text=text) for portraits in people.values() for portrait in portraits]


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
            encoded = rows[rows["frame"] < len(frames)].drop_duplicates("frame", keep=False)  # of several faces none counts
            frames[encoded["frame"]] = encoded[["x0", "y0", "x1", "y1"]]
        embedding = torch.from_numpy(embeddings[clip].vector) if clip in embeddings else None
        whole = Source(clip, "clip", files.latents / file, file_digest, frames, (int(width), int(height)), embedding)
        sources += [replace(whole, boxes=boxes, window=i) for i, boxes in enumerate(np.split(frames, windows))]
    return sources


def _windows_in(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return sum(name.startswith("video") for name in file.keys())  # noqa: SIM118
