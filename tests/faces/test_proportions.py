"""How people are built, from skeletons in photos."""

import numpy as np
import pytest

from facedance.faces.proportions import lengths_in, of_photos
from facedance.poses.proportions import BONES
from facedance.poses.skeleton import COCO, MEDIAPIPE
from tests.regions.test_shares import BODY

SIZE = (400, 600)


def seen(scale: float = 1.0, **moved: tuple[float, float]) -> np.ndarray:
    """Landmarks (33, 4) of somebody who stands in a photo, or has some joints elsewhere."""
    person = np.ones((len(MEDIAPIPE), 4), np.float32)
    for name, place in BODY.items():
        if name in COCO:
            person[MEDIAPIPE.index(name), :2] = scale * 2 * np.array(moved.get(name, place)) + [200, 300]
    return person


def test_a_photo_of_all_of_somebody_tells_each_bone() -> None:
    near, far = (of_photos({name: lengths_in(seen(scale), SIZE)}) for name, scale in (("a", 1.0), ("b", 0.4)))
    assert near.shows == far.shows == "whole"
    assert near.lengths.keys() == {*BONES}
    assert near.lengths == pytest.approx(far.lengths, rel=1e-3)
    assert near.in_words().endswith("shin from 1 photo that shows the whole body")


def test_only_what_is_seen_counts() -> None:
    cut = lengths_in(seen(), (400, 300 + int(2 * BODY["left_hip"][1]) + 20))
    assert not {"thigh", "shin"} & cut.keys()
    half = of_photos({"a": cut, "b": {}})
    assert (half.shows, half.photos) == ("half", ("a",))
    hidden = seen()
    hidden[[MEDIAPIPE.index(f"{side}_hip") for side in ("left", "right")], 3] = 0.2
    face = of_photos({"a": lengths_in(hidden, SIZE)})
    assert face.shows == "face"
    assert face.lengths.keys() == {"head", "neck", "shoulders"}
    assert of_photos({"a": {"head": 3.0}}).shows == "nothing"


def test_who_sits_has_no_legs_to_measure() -> None:
    knees = {f"{side}_knee": (BODY[f"{side}_hip"][0], BODY[f"{side}_hip"][1] + 6) for side in ("left", "right")}
    assert not {"thigh", "shin"} & lengths_in(seen(**knees), SIZE).keys()


def test_arms_are_those_of_the_upper_quartile_and_all_else_the_median() -> None:
    photos = [{**lengths_in(seen(), SIZE), "forearm": float(length), "shin": float(length)} for length in (40, 44, 48, 52, 96)]
    height = [sum(lengths[name] for name in ("head", "neck", "torso", "thigh", "shin")) for lengths in photos]
    found = of_photos({str(i): lengths for i, lengths in enumerate(photos)}).lengths
    assert found["shin"] == pytest.approx(48 / height[2])
    assert found["forearm"] == pytest.approx(sorted(p["forearm"] / h for p, h in zip(photos, height, strict=True))[3])


def test_a_whole_body_tells_more_than_many_faces() -> None:
    whole = lengths_in(seen(), SIZE)
    faces = {str(i): {"head": 50.0 + i, "neck": 60.0, "shoulders": 80.0} for i in range(5)}
    assert of_photos({**faces, "whole": whole}).photos == ("whole",)
    assert of_photos(faces).lengths["head"] == pytest.approx(52 / 80)
