"""What a further recogniser says of a render, who had no part in choosing it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.evaluate import pose
from facedance.evaluate.likeness import EVERY
from facedance.evaluate.sight import faces_of_dancers, surest_face
from facedance.evaluate.whose import heads_of
from facedance.faces.face import FaceBackend
from facedance.video.pictures import Frame


def further_distance(
    frames: Sequence[Frame],
    backend: FaceBackend,
    people: Sequence[NDArray[np.floating] | None],
    driving: NDArray[np.floating] | None,
) -> float | None:
    """Mean distance of the faces to the people, in this recogniser's measure: over the frames with a face, and then over dancers.

    Args:
        frames: (H, W, 3) of a render in the size of its clip.
        people: (D,) for each of P dancers; None of who is nobody's that it knows.
        driving: (P, T, 17, 3) where they are looked for; None for the one dancer wherever they are.

    Returns:
        None where no such face is found.
    """
    heads = None if driving is None else heads_of(pose.visible_joints(driving))
    distances: list[list[float]] = [[] for _ in people]
    for t, frame in enumerate(frames):
        if t % EVERY:
            continue
        if heads is None:
            faces = [surest_face(frame, backend)]
        else:
            faces = faces_of_dancers(frame, heads.centres[:, t], heads.necks, backend)
        for face, person, known in zip(faces, people, distances, strict=True):
            if face is not None and person is not None:
                known.append(float(np.linalg.norm(backend.embed(frame, face).raw - person)))
    means = [np.mean(known) for known in distances if known]
    return float(np.mean(means)) if means else None
