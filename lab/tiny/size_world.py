"""The world once more for learning sizes: clips of people who are smaller in the picture, or built otherwise, than the others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facedance.faces.face import FaceBackend
from facedance.poses.landmarker import open_landmarker
from facedance.sample.dancer import Dancer, dressed
from facedance.sample.motion import Body
from facedance.sample.person import person
from facedance.sample.traits import generator
from lab.tiny.mask_world import EARLIER, Eyes, Rows, scene_latents
from lab.tiny.recipe import TinySizeWorld
from lab.tiny.world_latents import embeddings_of, latents_of, reference_picture
from lab.world.scene import dance
from lab.world.split import training_identity, training_moves
from lab.world.words import describe

_ZOOM = (0.42, 1.0)  # 1 is as near as in the rest of the world
_KNOWN = 38  # pixels of a head from which the recogniser has a word in the training
_HEAD, _TORSO, _ARM, _SHOULDERS = (0.33, 0.49), (0.2, 0.24), (0.23, 0.33), (0.096, 0.122)


def encode_sizes(vae: Any, backend: FaceBackend, pose_model: Path, identities: range, world: TinySizeWorld, path: Path) -> None:
    """Write one clip of each of the people, as float16: `size/...` as `encode_masks` has a clip, `reference` and `embedding`.

    Landmarks are NaN where the face is too small for the recogniser to tell whose it is.
    """
    rows = Rows()
    with open_landmarker(pose_model, "image") as one:
        eyes = Eyes(vae, backend, pose_model, one, one)
        for index in identities:
            name, traits = training_identity(index, world.seed)
            rng, face, place = generator(f"sizes {name}", world.seed), person(traits), torch.tensor(index - identities.start)
            rows.tensors.setdefault("embedding", []).append(torch.from_numpy(embeddings_of(face, backend, rng)))
            rows.tensors.setdefault("reference", []).append(latents_of(vae, reference_picture(face, world.side, rng)).half())
            who, zoom, after = built(dressed(face, rng), rng), rng.uniform(*_ZOOM), int(rng.integers(*EARLIER))
            whole = dance(who, training_moves(), world.frames, world.side, rng, after=after, zoom=zoom)
            scene = whole.part(slice(1, None))
            clip = scene_latents(eyes, scene)
            if np.mean(scene.heads[:, 3] - scene.heads[:, 1]) < _KNOWN:
                clip["landmarks"].fill_(torch.nan)
            rows.add("size", describe(who), clip | {"anchor": latents_of(vae, whole.frames[:1]), "person": place})
    rows.write(path)


def built(who: Dancer, rng: np.random.Generator) -> Dancer:
    """Somebody with other lengths of head, torso and limbs, as tall as before."""
    head, torso = rng.uniform(*_HEAD), rng.uniform(*_TORSO)
    leg = Body.head + Body.torso + Body.leg - head - torso
    body = replace(who.body, head=head, torso=torso, leg=leg, arm=rng.uniform(*_ARM), shoulders=rng.uniform(*_SHOULDERS))
    return replace(who, body=body)
