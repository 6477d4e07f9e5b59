"""Which of several renders is kept."""

from facedance.evaluate.choice import FACES_MARGIN, PCK_MARGIN, best_of
from facedance.evaluate.likeness import Likeness


def chosen(*figures: tuple[float | None, float, float | None]) -> int | None:
    """The place of the best of these: distance, faces found and PCK."""
    return best_of([Likeness(faces, distance, pck, None) for distance, faces, pck in figures])


def test_the_nearest_of_those_that_show_the_face_and_follow_the_dance() -> None:
    assert chosen((0.5, 1.0, 0.9), (0.4, 1.0, 0.9), (0.4, 1.0, 0.9)) == 1, "the first of equals"
    assert chosen((0.5, 1.0, 0.9), (0.2, 1 - FACES_MARGIN - 0.01, 0.9)) == 0
    assert chosen((0.5, 1.0, 0.9), (0.2, 1.0, 0.9 - PCK_MARGIN - 0.01)) == 0
    assert chosen((0.5, 1.0, 0.9), (0.2, 1 - FACES_MARGIN + 0.01, 0.9 - PCK_MARGIN + 0.01)) == 1


def test_without_a_pose_the_face_decides_and_without_any_face_nothing_does() -> None:
    assert chosen((0.5, 1.0, None), (0.4, 1.0, None)) == 1
    assert chosen((None, 0.0, 0.9), (None, 0.0, 0.8)) is None
