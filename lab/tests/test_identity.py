"""The benchmark's figures against hand-made clips, and one run on a model with random weights."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from safetensors.numpy import save_file

from facedance.config import params
from facedance.evaluate.judge import shape_of
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.poses.skeleton import COCO, MEDIAPIPE
from facedance.sample import portrait
from facedance.sample.person import person
from facedance.sample.traits import Traits
from lab.identity import recipes
from lab.identity.cast import NAMES, folder_name
from lab.identity.clips import load_clip, make_clip, save_clip
from lab.identity.grid import write_grid, write_row
from lab.identity.look import Sight
from lab.identity.recipes import ADAPTER, BASE, BOTH, FEW, VARIANTS, Recipe
from lab.identity.score import Score, score
from lab.identity.sitters import Sitter, read_sitters
from lab.identity.table import MEASURES, markdown, summarise

ROOT = Path(__file__).parents[2]
POSE_MODEL = ROOT / "models" / "pose" / "pose_landmarker_full.task"
FRAMES = 9


def sitter(index: int) -> Sitter:
    """Somebody whose embedding is a unit vector, and whose jaw is as wide as the index says."""
    features = np.array(portrait.FEATURES)
    features[portrait.JAW, 0] = 226 + (features[portrait.JAW, 0] - 226) * (1 + 0.1 * index)
    return Sitter(str(index), Path(), Embedding.of(np.eye(3)[index]), shape_of(features))


PEOPLE = [sitter(index) for index in range(3)]
NOBODY = np.full(3, np.nan, np.float32)


def pose(shift: float) -> NDArray[np.float32]:
    """A dancer (T, 33, 4) with a torso of 50 px, moved by `shift` px; the same in each frame."""
    joints = np.zeros((FRAMES, 33, 4), np.float32)
    joints[..., 0] = 100 + shift
    joints[:, [MEDIAPIPE.index(f"{side}_hip") for side in ("left", "right")], 1] = 50
    joints[..., 3] = 1
    return joints


def driving(people: NDArray[np.float32]) -> NDArray[np.float32]:
    return people[:, [MEDIAPIPE.index(name) for name in COCO]][..., [0, 1, 3]]


def sight(*faces: NDArray[np.floating], shape_of_person: int = 0, people: NDArray[np.float32] | None = None) -> Sight:
    found = np.array([not np.isnan(face).any() for face in faces])
    shapes = np.where(found[:, None, None], PEOPLE[shape_of_person].shape, np.nan)
    return Sight(np.stack(faces).astype(np.float32), shapes, pose(0) if people is None else people, flicker=1.5)


def scored(seen: Sight, own: int = 0, other: int = 1) -> Score:
    return score(seen, PEOPLE, own, other, driving(pose(0)), wrong=driving(pose(30)))


# ---- Scores -------------------------------------------------------------------------------------------------------------


def test_face_of_the_person_is_recognised_by_both_judges() -> None:
    result = scored(sight(PEOPLE[0].embedding.raw, PEOPLE[0].embedding.raw))
    assert (result.detected, result.to_self, result.rank1, result.rank1_second) == (1, 0, 1, 0)
    assert [result.to_second, result.to_nearest_other] == pytest.approx([math.sqrt(2)] * 2)
    assert (result.judge_rank1, result.judge_same) == (1, 1)


def test_face_of_the_other_person_counts_for_the_other() -> None:
    result = scored(sight(PEOPLE[1].embedding.raw, shape_of_person=2))
    assert (result.rank1, result.rank1_second, result.to_second) == (0, 1, 0)
    assert (result.judge_rank1, result.judge_same) == (0, 0)


def test_frames_without_a_face_lower_detection_only() -> None:
    result = scored(sight(NOBODY, PEOPLE[0].embedding.raw))
    assert (result.detected, result.to_self, result.rank1) == (0.5, 0, 1)


def test_clip_without_a_face_is_not_recognised_and_has_no_distance() -> None:
    result = scored(sight(NOBODY, NOBODY))
    assert (result.detected, result.rank1, result.rank1_second, result.judge_rank1) == (0, 0, 0, 0)
    assert np.isnan([result.to_self, result.to_second, result.to_nearest_other, result.judge_same]).all()


def test_pose_is_right_for_its_own_clip_and_wrong_for_another() -> None:
    result = scored(sight(NOBODY, people=pose(4)))
    assert (result.pck, result.pck_wrong, result.error_first_px) == (1, 0, pytest.approx(4))


def test_dancer_who_fades_shows_in_the_last_third() -> None:
    people = pose(2)
    people[-3:, :, 0] += 6
    people[-1] = np.nan
    result = scored(sight(NOBODY, people=people))
    assert (result.pck_first, result.error_first_px) == (1, pytest.approx(2))
    assert (result.pck_last, result.error_last_px) == (pytest.approx(2 / 3), pytest.approx(8))


# ---- People -------------------------------------------------------------------------------------------------------------


def left_behind(folder: Path, vector: NDArray[np.floating]) -> Path:
    """What the photo stage leaves of somebody, as far as it is read."""
    folder.mkdir()
    save_embeddings(folder / "embedding.safetensors", {"embedding": Embedding.of(vector)}, {})
    save_file({"shape": PEOPLE[0].shape}, folder / "shape.safetensors")
    return folder


def test_people_of_whom_two_are_alike_are_refused(tmp_path: Path) -> None:
    one, two, three = (tmp_path / folder_name(name) for name in NAMES[:3])
    apart = [left_behind(one, np.array([1.0, 0, 0])), left_behind(two, np.array([0, 1.0, 0]))]
    assert [who.name for who in read_sitters(apart)] == list(NAMES[:2])
    alike = left_behind(three, np.array([0, 0.9, 0.5]))
    with pytest.raises(ValueError, match=rf"{NAMES[1]} and {NAMES[2]} are alike: 0.51, not above 0.6"):
        read_sitters([*apart, alike])


# ---- Tables -------------------------------------------------------------------------------------------------------------


def rows(variant: str, to_self: list[list[float]], table: str = "faces") -> list[dict[str, Any]]:
    """A row for each person of each seed."""
    blank = dict.fromkeys(MEASURES, 1.0)
    return [
        {"table": table, "variant": variant, "person": person, "seed": seed, **blank, "to_self": value}
        for seed, values in enumerate(to_self)
        for person, value in enumerate(values)
    ]


def test_summary_is_the_mean_over_people_and_the_deviation_over_seeds() -> None:
    summary = summarise(pd.DataFrame(rows("b", [[0.1, 0.3], [0.4, np.nan]]) + rows("a", [[1.0, 1.0], [1.0, 1.0]])))
    assert summary["variant"].tolist() == ["b", "a"]
    first = summary.iloc[0]
    assert (first["clips"], first["to_self"]) == (4, pytest.approx(0.3))
    assert first["to_self_sd"] == pytest.approx(np.std([0.2, 0.4], ddof=1))


def test_markdown_has_deviations_only_where_there_are_several_seeds() -> None:
    one, two = (markdown(summarise(pd.DataFrame(rows("a", [[0.25]] * seeds))), 3, ["a fact"]) for seeds in (1, 2))
    assert "- a fact" in one
    assert "rank-1 of 3" in one
    assert "| a | 1.000 | 0.250 |" in one
    assert "| 0.250 ± 0.000 |" in two


def test_markdown_marks_what_cannot_be_measured() -> None:
    assert "| a | 1.000 | – |" in markdown(summarise(pd.DataFrame(rows("a", [[np.nan]]))), 3, [])


def test_two_people_have_a_table_of_their_own() -> None:
    text = markdown(summarise(pd.DataFrame(rows("a", [[0.1]]) + rows("between", [[0.2]], "two people"))), 3, [])
    assert "| between | 1.000 | 0.200 | 1.000 |" in text.split("## Two people")[1].split("##")[0]
    assert "between" not in text.split("## Two people")[0]


def test_variants_made_alike_are_one_recipe() -> None:
    made = {variant.name: variant.recipe for variant in VARIANTS}
    assert len(made) == len(VARIANTS)
    assert made[ADAPTER] == made["adapter only, face_scale 1"] == made["adapter only, t = 0"] == Recipe(face=0)
    assert [variant.name for variant in FEW] == [BASE, BOTH]
    assert recipes.WITH_LORA in made


def test_grid_is_the_rows_below_each_other_with_one_line_of_titles(tmp_path: Path) -> None:
    colours = {"a": (200, 0, 0), "b": (0, 200, 0)}
    for name, colour in colours.items():
        picture = np.full((20, 30, 3), colour, np.uint8)
        write_row(name, {"photo": picture, "both": picture}, tmp_path / f"{name}.png")
    write_grid([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "grid.png")
    first, second, grid = (np.asarray(Pillow.open(tmp_path / f"{name}.png")) for name in ("a", "b", "grid"))
    assert first.shape[1] > 2 * 256
    np.testing.assert_array_equal(grid[: len(first)], first)
    cells = len(grid) - len(first)
    np.testing.assert_array_equal(grid[-cells:], second[-cells:])


# ---- A clip -------------------------------------------------------------------------------------------------------------


def shortened(frames: int) -> params.Params:
    """The parameters of the tiny model with shorter clips and one step."""
    chosen = params.load(ROOT / "params.yaml")
    tiny = chosen.models["tiny"].model_copy(update={"frames": frames})
    settings = chosen.render.settings.model_copy(update={"steps": 1})
    render = chosen.render.model_copy(update={"settings": settings})
    return chosen.model_copy(update={"model": "tiny", "models": {"tiny": tiny}, "render": render})


def test_clip_is_the_same_when_it_was_on_disk(tmp_path: Path, pose_model: Path) -> None:
    project = shortened(5)
    clip = make_clip(person(Traits()), "anybody", 0, project.wan, project.poses, pose_model)
    save_clip(tmp_path / "clip.safetensors", clip)
    again = load_clip(tmp_path / "clip.safetensors")
    assert again.prompt == clip.prompt
    for name, value in vars(clip).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_the_true_joints_of_a_clip_are_where_the_landmarker_sees_them(pose_model: Path) -> None:
    """Nearly: the benchmark measures what the difference does to a face."""
    project = shortened(5)
    clip = make_clip(person(Traits()), "anybody", 0, project.wan, project.poses, pose_model)
    assert clip.known.shape == clip.control.shape
    for seen, known in zip(clip.control, clip.known, strict=True):
        middles = [np.argwhere(picture.max(axis=-1) > 60).mean(axis=0) for picture in (seen, known)]
        assert 0 < np.linalg.norm(middles[0] - middles[1]) < 4, middles
