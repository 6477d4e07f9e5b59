"""Which of several renders of one dance is the best: likeness decides, for the weights of a training and the seeds of a render.

The rule: of those that show a face in as many frames as the best of them, within a margin, and of these of those that follow the
dance as well as the best, within another, the one that is nearest to the person by the recogniser.
"""

from collections.abc import Sequence

from facedance.evaluate.likeness import Likeness

FACES_MARGIN = 0.15
"""By which the share of the frames with a face may be below the best one's. Of 17 frames 9 are looked at: one may lack it."""
PCK_MARGIN = 0.1
"""By which PCK may be below the best one's."""


def best_of(judged: Sequence[Likeness]) -> int | None:
    """The place of the best, the first of equals; None where no face was found in any."""
    if not any(faces_of(one) for one in judged):
        return None
    places = range(len(judged))
    clear = [i for i in places if faces_of(judged[i]) >= max(map(faces_of, judged)) - FACES_MARGIN and faces_of(judged[i])]
    close = [i for i in clear if pck_of(judged[i]) >= max(pck_of(judged[j]) for j in clear) - PCK_MARGIN]
    return min(close, key=lambda i: distance_of(judged[i]))


def distance_of(one: Likeness) -> float:
    """To the person; infinite where no face is found."""
    return float("inf") if one.identity_distance is None else one.identity_distance


def faces_of(one: Likeness) -> float:
    """Share of the frames with a face."""
    return one.face_detected_rate


def pck_of(one: Likeness) -> float:
    """Of the pose; 0 where it cannot be measured, which is so in all renders of a dance or in none."""
    return one.pose_pck or 0.0
