"""Renders that were asked for by name."""

import pytest

from facedance.render.named import path_of, renders_among, renders_made_by_name

RENDER = ("half", "dance_000", "face_scale~1.2_seed~7")


@pytest.mark.parametrize("there", [True, False])
def test_those_that_were_made_are_found_by_their_stamps(tmp_path, there):
    other = ("half", "dance_000", "default")  # of a batch: it has no stamp of its own
    for render in (other, *([RENDER] if there else [])):
        video = tmp_path / path_of(*render)
        video.parent.mkdir(parents=True, exist_ok=True)
        video.touch()
    stamp = tmp_path / "results/render/.stamps/render_clip/half/dance_000" / f"{RENDER[2]}.json"
    stamp.parent.mkdir(parents=True)
    stamp.touch()
    assert renders_made_by_name(tmp_path) == ([RENDER] if there else [])


def test_those_among_the_targets_are_found():
    targets = ["all", path_of(*RENDER), "results/render/half/0000.csv", "results/render/half/dance_000/default.json"]
    assert renders_among({*targets}) == [RENDER]
