"""Whether a face branch shows faces: portraits of people held out, rendered anew with their embeddings, and looked at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.config.sections import WanModel
from facedance.evaluate.sight import surest_face
from facedance.faces.embedding import Embedding, distance
from facedance.faces.face import FaceBackend, Image
from facedance.train.portraits import PortraitSource, mean_embedding
from facedance.wan.encoder import LatentEncoder
from facedance.wan.face_branch import FaceBranch
from facedance.wan.load import load_scheduler, load_vae
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, render_frames

JUDGED = 32
"""People at most who are rendered."""

Scores = dict[str, float | None]
"""Of one way; the distance is None where no face was found."""

WAYS = ("through the VAE", "with the face", "without", "with the next one's face")


@dataclass(frozen=True)
class Sight:
    """What was seen of a person in one way; the face is None where none was found."""

    way: str
    person: str
    other: str  # the next person, whose face is given in the last way
    face: Embedding | None


@dataclass(frozen=True)
class _Studio:
    """What pictures are rendered with."""

    pipeline: FaceVACEPipeline
    branch: FaceBranch
    texts: Mapping[str, Tensor]
    settings: RenderSettings

    def picture(self, control: Tensor, face: Tensor, scale: float, seed: int) -> Image:
        """One frame (H, W, 3) with VACE's control (channels, 1, h, w) and a face (D,)."""
        frames = render_frames(
            self.pipeline,
            self.branch,
            ControlLatents(control),
            face=face[None],
            prompt=self.texts["portrait"],
            negative_prompt=self.texts["negative"],
            settings=self.settings.model_copy(update={"face_scale": scale, "seed": seed}),
        )
        picture: Image = frames[0]
        return picture


def judge(
    transformer: Any,
    branch: FaceBranch,
    people: Sequence[PortraitSource],
    texts: Mapping[str, Tensor],
    model: Path,
    wan: WanModel,
    settings: RenderSettings,
    backend: FaceBackend,
) -> dict[str, Scores]:
    """Scores of each way of rendering the first portrait of at most JUDGED people; see `scores`.

    `texts` are the embeddings (512, text dim) of "portrait" and "negative"; the branch is attached to the transformer.
    """
    own: dict[str, list[PortraitSource]] = {}
    for portrait in people:
        own.setdefault(portrait.person, []).append(portrait)
    chosen = dict(list(own.items())[:JUDGED])
    gallery = {person: mean_embedding([p.own for p in portraits]) for person, portraits in chosen.items()}
    pipeline = FaceVACEPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=load_vae(model, transformer.device),
        scheduler=load_scheduler(model),
        transformer=transformer,
    )
    pipeline.set_progress_bar_config(disable=True)
    first = [portraits[0] for portraits in chosen.values()]
    studio = _Studio(pipeline, branch, texts, settings)
    return scores(list(_sights(studio, first, backend, wan.clip_scale)), gallery)


def scores(sights: Sequence[Sight], gallery: Mapping[str, Embedding]) -> dict[str, Scores]:
    """For each way: how often a face was found, the mean distance to the person, and whom the recogniser names in all renders.

    `rank1` is the share in which the person is nearest of all in the gallery, `rank1_other` that in which the next one is.
    Where no face is found, nobody is named.
    """
    table: dict[str, Scores] = {}
    for way in WAYS:
        seen = [sight for sight in sights if sight.way == way]
        named = [_nearest(sight.face, gallery) for sight in seen]
        away = [distance(sight.face, gallery[sight.person]) for sight in seen if sight.face is not None]
        table[way] = {
            "renders": len(seen),
            "found": _share([sight.face is not None for sight in seen]),
            "distance": round(float(np.mean(away)), 4) if away else None,
            "rank1": _share([name == sight.person for name, sight in zip(named, seen, strict=True)]),
            "rank1_other": _share([name == sight.other for name, sight in zip(named, seen, strict=True)]),
        }
    return table


def _sights(studio: _Studio, portraits: Sequence[PortraitSource], backend: FaceBackend, enlarged: int) -> Iterator[Sight]:
    side = portraits[0].window
    encoder = LatentEncoder(studio.pipeline.vae, side, side)
    for number, (portrait, other) in enumerate(zip(portraits, [*portraits[1:], portraits[0]], strict=True)):
        item = portrait.load()
        faces = ((portrait.given, 1.0), (portrait.given, 0.0), (other.given, 1.0))
        pictures = [encoder.decode(item.video)[0], *(studio.picture(item.control, face, scale, number) for face, scale in faces)]
        for way, picture in zip(WAYS, pictures, strict=True):
            yield Sight(way, portrait.person, other.person, _seen(picture, backend, enlarged))


def _seen(picture: Image, backend: FaceBackend, enlarged: int) -> Embedding | None:
    large = cv2.resize(picture, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    face = surest_face(large, backend)
    return None if face is None else backend.embed(large, face)


def _nearest(face: Embedding | None, gallery: Mapping[str, Embedding]) -> str | None:
    return None if face is None else min(gallery, key=lambda name: distance(face, gallery[name]))


def _share(facts: Sequence[bool]) -> float:
    return round(sum(facts) / len(facts), 4)
