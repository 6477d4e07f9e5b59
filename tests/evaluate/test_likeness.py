"""The judges of a short render: what they look at, and what they say of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facedance.evaluate import sight
from facedance.evaluate.judge import Shape
from facedance.evaluate.likeness import EVERY, Judges, Likeness, Seen, likeness
from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, Image
from facedance.poses.skeleton import COCO

T, S = 9, 5


class Means:
    """A recogniser whose face is the mean colour of a frame; a black frame has none."""

    name, dimension = "means", 3
    face_model = np.zeros((5, 3), np.float32)
    outlier_distance, recognised_distance = 0.55, 0.6

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        return [Face(np.zeros(4, np.float32), 1.0, np.zeros((5, 2), np.float32))] if image.any() else []

    def embed(self, image: Image, face: Face) -> Embedding:
        return Embedding.of(image.reshape(-1, 3).mean(axis=0) / 255)

    def align(self, image: Image, face: Face, size: int) -> Image:
        raise NotImplementedError


class Brightness:
    """A second judge for whom a face is as large as it is bright."""

    def shape(self, image: Image, face: Face) -> Shape:
        return np.full((68, 2), image.mean() / 255)


class Everywhere:
    """A landmarker that sees somebody in the corner."""

    def detect(self, frame: Image, timestamp_ms: int) -> NDArray[np.float32]:
        return np.zeros((1, 33, 4), np.float32)


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> Judges:
    @contextlib.contextmanager
    def open_landmarker(model: Path, mode: str, detection_confidence: float) -> Iterator[Everywhere]:
        yield Everywhere()

    monkeypatch.setattr(sight, "open_landmarker", open_landmarker)
    return Judges(Means(), Brightness(), Path("pose.task"))  # type: ignore[arg-type]


def test_every_second_frame_is_looked_at_by_both_judges(judges: Judges) -> None:
    frames = np.stack([np.full((8, 8, 3), 10 * i, np.uint8) for i in range(T)])
    seen = judges.look(frames, 16)
    assert seen.scored.tolist() == list(range(0, T, EVERY))
    assert np.isnan(seen.faces[0]).all()
    assert np.isnan(seen.shapes[0]).all()
    np.testing.assert_allclose(seen.faces[1:], np.repeat(frames[2::2, 0, 0, :1] / 255, 3, axis=1), rtol=1e-6)
    np.testing.assert_allclose(seen.shapes[1:, 0, 0], frames[2::2, 0, 0, 0] / 255)
    assert seen.people.shape == (T, 33, 4)


def test_a_photo_without_a_face_has_no_shape(judges: Judges) -> None:
    assert judges.shape(np.zeros((8, 8, 3), np.uint8)) is None
    assert judges.shape(np.full((8, 8, 3), 255, np.uint8)) is not None


def seen_with(faces: list[float]) -> Seen:
    """A render whose faces are these numbers, NaN for none; the pose is at the corner."""
    values = np.array(faces, np.float32)
    shapes = np.where(np.isnan(values), np.nan, 1.0)[:, None, None] * np.ones((len(faces), 68, 2))
    return Seen(np.arange(0, T, EVERY), values[:, None], shapes, np.zeros((T, 33, 4), np.float32))


def test_the_figures() -> None:
    driving = np.zeros((T, len(COCO), 3), np.float32)
    driving[..., :2] = np.random.default_rng(0).uniform(40, 60, (len(COCO), 2))
    driving[:, : len(COCO) // 2, :2] = 0
    driving[..., 2] = 1
    found = likeness(seen_with([1.0, 2.0, np.nan, 1.0, 2.0]), np.ones((S, 1), np.float32), [np.zeros((68, 2))], driving)
    assert found.face_detected_rate == pytest.approx(0.8)
    assert found.identity_distance == pytest.approx(0.5)
    assert found.pose_pck == pytest.approx((len(COCO) // 2) / len(COCO))
    assert found.landmark_distance == pytest.approx(np.sqrt(2))


def test_what_cannot_be_measured_is_none() -> None:
    nobody = likeness(seen_with([np.nan] * S), np.ones((S, 1), np.float32), [np.zeros((68, 2))], None)
    assert nobody == Likeness(face_detected_rate=0, identity_distance=None, pose_pck=None, landmark_distance=None)
    several = likeness(seen_with([1.0] * S), np.ones((S, 1), np.float32), [np.zeros((68, 2))] * 2, None)
    assert several.landmark_distance is None, "the second judge has one person to compare with"
