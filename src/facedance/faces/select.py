"""Which face of a photo is meant, and which photos show the same person."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facedance.faces.face import Face
from facedance.faces.photos import UnusablePhoto

_SIMILAR_SIZE = 0.6  # of the largest face: then it is unclear who is meant
_DOUBTFUL = 1 / 3  # of the best score: detectors see faces in folds of cloth and flags, with low scores


def main_face(faces: Sequence[Face], min_score: float) -> Face:
    """The face that a photo is about: the largest one, not counting doubtful detections.

    Raises:
        UnusablePhoto: there is no face, or another one is about as large.
    """
    best = max((face.score for face in faces), default=-np.inf)
    if best < min_score:
        seen = f"the surest has score {best:.2f}, {min_score:g} is needed" if faces else "none was found, or it is much too small"
        raise UnusablePhoto(f"no face: {seen}")
    sure = [face for face in faces if face.score >= max(min_score, best * _DOUBTFUL)]
    largest = max(sure, key=lambda face: face.size)
    similar = [face for face in sure if face.size >= _SIMILAR_SIZE * largest.size]
    if len(similar) > 1:
        sizes = ", ".join(f"{face.size:.0f}" for face in similar)
        raise UnusablePhoto(f"several faces: {len(similar)} faces of similar size ({sizes} px); crop the photo to one person")
    return largest


def same_person(distances: NDArray[np.float64], threshold: float) -> tuple[NDArray[np.bool_], int]:
    """The photos within `threshold` of the medoid of the set, and the medoid's index.

    The medoid is the photo with the least sum of distances (N, N) to the others. Strangers pull it, so the farthest photo is
    dropped and the medoid found anew until all that remain are near it; photos dropped too early come back then.
    """
    kept = np.ones(len(distances), bool)
    while True:
        among = np.where(kept, distances[:, kept].sum(axis=1), np.inf)
        medoid = int(among.argmin())
        farthest = int(np.where(kept, distances[medoid], -np.inf).argmax())
        if distances[medoid, farthest] <= threshold:
            return distances[medoid] <= threshold, medoid
        kept[farthest] = False
