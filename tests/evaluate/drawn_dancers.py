"""Dancers who are as easy to see as can be: a coloured head on a body that is not drawn, with who looks at them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facedance.faces.embedding import Embedding
from facedance.faces.face import Face, Image
from facedance.poses.skeleton import COCO, COCO_IN_MEDIAPIPE

WIDTH, HEIGHT = 352, 208
NECK, TORSO = 20.0, 40.0  # pixels
HEAD_Y = 50.0
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


def dancer(x: float, y: float = HEAD_Y) -> NDArray[np.float32]:
    """COCO's joints (17, 2) of somebody whose head is here."""
    joints = np.zeros((len(COCO), 2), np.float32)
    for name, (across, down) in {
        "shoulder": (12, NECK), "elbow": (16, 40), "wrist": (18, 60),
        "hip": (8, NECK + TORSO), "knee": (9, 90), "ankle": (9, 120),
    }.items():  # fmt: skip
        for side, sign in (("left", 1), ("right", -1)):
            joints[COCO.index(f"{side}_{name}")] = across * sign, down
    return joints + np.float32([x, y])


def picture(heads: Sequence[tuple[float, tuple[int, int, int]]], y: float = HEAD_Y) -> Image:
    """A picture (H, W, 3) with heads at these places across, each of its colour; a later one covers those before."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x, colour in heads:
        image[int(y) - 8 : int(y) + 8, int(x) - 8 : int(x) + 8] = colour
    return image


def heads_in(image: Image) -> list[NDArray[np.float32]]:
    """Boxes (4,) of the heads in a picture, from left to right."""
    spots = np.uint8(np.where(image.max(axis=2) > 100, 255, 0))
    _, _, facts, _ = cv2.connectedComponentsWithStats(spots)
    return sorted((np.float32([x, y, x + w, y + h]) for x, y, w, h, area in facts[1:] if area > 60), key=lambda box: box[0])


class SeesColours:
    """A recogniser for which the colour of a head is its face."""

    name, dimension = "colours", 3
    outlier_distance, recognised_distance = 0.55, 0.6
    face_model = np.zeros((5, 3), np.float32)

    def detect(self, image: Image, min_face_px: int) -> list[Face]:
        return [Face(box, 1.0, np.zeros((5, 2), np.float32)) for box in heads_in(image)]

    def embed(self, image: Image, face: Face) -> Embedding:
        x0, y0, x1, y1 = (face.box + np.float32([3, 3, -3, -3])).astype(int)
        return Embedding.of(image[y0:y1, x0:x1].reshape(-1, 3).mean(axis=0) / 250)

    def align(self, image: Image, face: Face, size: int) -> Image:
        raise NotImplementedError


class SeesBodies:
    """A landmarker that finds a body below the head that is nearest to the middle of a picture."""

    def detect(self, frame: Image, timestamp_ms: int = 0) -> NDArray[np.float32]:
        boxes = sorted(heads_in(frame), key=lambda box: abs((box[0] + box[2]) / 2 - frame.shape[1] / 2))[:1]
        people = np.zeros((len(boxes), 33, 4), np.float32)
        people[..., 3] = 1
        for person, box in zip(people, boxes, strict=True):
            middle = (box[:2] + box[2:]) / 2
            person[:, :2] = middle
            person[list(COCO_IN_MEDIAPIPE), :2] = dancer(*middle)
        return people


@contextlib.contextmanager
def open_landmarker(model: Path, mode: str, **settings: float) -> Iterator[SeesBodies]:
    """As `facedance.poses.landmarker.open_landmarker`, for videos."""
    assert mode == "video"
    assert settings["detection_confidence"] < 0.5, "a render shows dancers for certain"
    yield SeesBodies()


PERSONS: Mapping[str, Embedding] = {
    name: Embedding.of(np.array(colour) / 250) for name, colour in (("ann", RED), ("ben", GREEN), ("cleo", BLUE))
}
