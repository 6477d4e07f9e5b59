"""With ArcFace chosen and nothing else, photos of one person pass and others' do not: made-up embeddings of typical cosines."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facedance.config.sections import Faces
from facedance.evaluate.distances import compare
from facedance.faces.dlib_backend import DlibBackend
from facedance.faces.embed import embed_photos
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face
from facedance.faces.insightface_backend import InsightFaceBackend

SIDE, AXES = 200, np.eye(512)
LANDMARKS = np.float32([[80, 85], [120, 85], [100, 108], [86, 125], [114, 125]])


class MadeUp(InsightFaceBackend):
    """ArcFace's thresholds, with the embedding that a picture's first pixel names."""

    def __init__(self, embeddings):
        self.embeddings, self.dimension = embeddings, 512

    def detect(self, image, min_face_px):
        return [Face(np.float32([60, 60, 140, 140]), 0.9, LANDMARKS)]

    def embed(self, image, face):
        return Embedding.of(self.embeddings[image[0, 0, 0]])


def vector(i, cosine, base=AXES[0]):
    """A unit vector with this cosine to `base`, and none to what else differs from it."""
    return cosine * base + sqrt(1 - cosine**2) * AXES[i + 1]


def statuses(embeddings, folder, **changes):
    """Whether each photo is used; photo i has embedding i."""
    rng, photos = np.random.default_rng(0), {}
    for i in range(len(embeddings)):
        picture = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        picture[0, 0] = i
        photos[f"{i}.png"] = folder / f"{i}.png"
        Image.fromarray(picture).save(photos[f"{i}.png"])
    params = Faces(backend="insightface", min_sharpness=0, **changes)
    embed_photos("ann", "public-domain", photos, params, MadeUp(embeddings), folder / "faces")
    table = pd.read_csv(folder / "faces/photos.csv", keep_default_na=False)
    return ["used" if status == "accepted" else reason.split(":")[0] for status, reason in table[["status", "reason"]].to_numpy()]


@pytest.mark.parametrize("together", [0.45, 0.6, 0.75])
def test_photos_of_one_person_pass_and_others_do_not(tmp_path, together):
    own = [vector(i, sqrt(together)) for i in range(6)]  # each with the cosine `together` to each other
    others = [vector(6, 0.05), vector(7, 0.2), vector(8, 0.35, base=own[0])]  # strangers, and somebody alike
    assert statuses([*own, *others], tmp_path) == ["used"] * 6 + ["somebody else"] * 3


def test_a_number_in_the_parameters_counts_instead(tmp_path):
    own = [vector(i, sqrt(0.6)) for i in range(4)]
    assert statuses([*own, vector(5, 0.2)], tmp_path, outlier_distance=1.4) == ["used"] * 5


@pytest.mark.parametrize(("cosine", "recognised"), [(0.6, 1), (0.35, 1), (0.2, 0), (0.05, 0)])
def test_a_render_is_recognised_from_arcfaces_cosines_on(cosine, recognised):
    face, target, others = (np.float32([v]) for v in (vector(0, cosine), AXES[0], AXES[9]))
    assert compare(face, target, others, InsightFaceBackend.recognised_distance).recognised_rate == recognised


def test_dlibs_distances_are_its_own():
    assert (DlibBackend.outlier_distance, DlibBackend.recognised_distance) == (0.55, 0.6)
