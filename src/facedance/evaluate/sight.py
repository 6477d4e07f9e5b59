"""The surest face in a frame of a render, and its dancer over time."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate.whose import faces_by_dancer
from facedance.faces.face import Face, FaceBackend
from facedance.poses.landmarker import open_landmarker
from facedance.video.pictures import Frame

LEAD_IN = 8
"""Frames that are shown to the landmarker backwards before a render begins: it needs some to lock on to a blurred dancer."""

SURE = 0.3
"""Confidence from which the landmarker takes something for a person: less than its 0.5, as a render shows a dancer for certain.

In one of 48 blurred renders it found nobody at 0.5, and at 0.3 the dancer in every frame.
"""

MIN_FACE_PX = 24
"""Full-body dancers have faces of 30-60 px in a clip."""


def surest_face(frame: NDArray[np.uint8], backend: FaceBackend) -> Face | None:
    """The face of the dancer in a frame (H, W, 3) in the size of clips; None if none is found."""
    # Not the largest: at this enlargement a pattern in the clothes is taken for a doubtful face now and then.
    return max(backend.detect(frame, MIN_FACE_PX), key=lambda face: face.score, default=None)


def faces_of_dancers(
    frame: Frame, heads: NDArray[np.floating], necks: NDArray[np.floating], backend: FaceBackend
) -> list[Face | None]:
    """The face of each of P dancers in a frame (H, W, 3), whose heads should be at `heads` (P, 2); None where there is none.

    Args:
        necks: (P,) as in `facedance.evaluate.whose.Heads`.
    """
    found = backend.detect(frame, MIN_FACE_PX)
    which = faces_by_dancer(np.array([face.centre for face in found]).reshape(-1, 2), heads, necks)
    return [None if place < 0 else found[place] for place in which]


def track_dancer(frames: Iterable[Frame], fps: int, model: Path) -> Iterator[tuple[Frame, NDArray[np.float32]]]:
    """Each frame (H, W, 3) of a render with its dancer's landmarks (33, 4), NaN where nobody is seen."""
    frames = iter(frames)
    first = list(itertools.islice(frames, LEAD_IN + 1))
    lead_in = first[:0:-1]
    with open_landmarker(model, "video", detection_confidence=SURE) as landmarker:
        for i, frame in enumerate(itertools.chain(lead_in, first, frames)):
            found = landmarker.detect(frame, round(1000 * i / fps))  # (P, 33, 4)
            if i >= len(lead_in):
                yield frame, found[0] if len(found) else np.full((33, 4), np.nan, np.float32)
