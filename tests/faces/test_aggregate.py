"""One embedding of many, faces between people, and embedding files."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open

from facedance.config.rendering import Blend
from facedance.faces.aggregate import aggregate, blend, interpolate, track
from facedance.faces.embedding import Embedding, distance, load_embeddings, save_embeddings


def embeddings(n: int, seed: int = 0) -> list[Embedding]:
    rng = np.random.default_rng(seed)
    return [Embedding.of(rng.normal(size=16) * rng.uniform(0.5, 2)) for _ in range(n)]


def test_mean_median_and_weighted_mean_are_those_of_the_raw_vectors():
    few = embeddings(5)
    raw = np.stack([e.raw for e in few])
    np.testing.assert_allclose(aggregate(few, [9, 1, 1, 1, 1], "mean").raw, raw.mean(0), atol=1e-6)
    np.testing.assert_allclose(aggregate(few, [9, 1, 1, 1, 1], "median").raw, np.median(raw, axis=0), atol=1e-6)
    weighted = aggregate(few, [9, 1, 1, 1, 1], "weighted_mean").raw
    np.testing.assert_allclose(weighted, (9 * raw[0] + raw[1:].sum(0)) / 13, atol=1e-6)


def test_a_blend_leans_to_the_heavier_and_ignores_the_sum_of_weights():
    a, b = embeddings(2)
    both = {"a": a, "b": b}
    leaning = blend(both, {"a": 3, "b": 1})
    assert distance(leaning, a) < distance(leaning, b)
    np.testing.assert_allclose(leaning.raw, blend(both, {"a": 0.75, "b": 0.25}).raw, atol=1e-6)
    with pytest.raises(ValueError, match="no embedding of c; there are a, b"):
        blend(both, {"a": 1, "c": 1})


def test_interpolation_has_exact_ends_and_turns_evenly():
    a, b = embeddings(2)
    for end, t in ((a, 0), (b, 1)):
        got = interpolate(a, b, t)
        np.testing.assert_array_equal(got.vector, end.vector)
        assert got.norm == end.norm
    way = [interpolate(a, b, t) for t in np.linspace(0, 1, 9)]
    np.testing.assert_allclose([np.linalg.norm(e.vector) for e in way], 1, atol=1e-6)
    steps = [np.arccos(u.vector @ v.vector) for u, v in itertools.pairwise(way)]
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)
    np.testing.assert_allclose(np.diff([e.norm for e in way]), (b.norm - a.norm) / 8, atol=1e-6)


def test_interpolation_between_equal_and_opposite_directions():
    a = embeddings(1)[0]
    np.testing.assert_allclose(interpolate(a, a, 0.4).vector, a.vector, atol=1e-6)
    with pytest.raises(ValueError, match="opposite"):
        interpolate(a, Embedding(-a.vector, 1.0), 0.5)
    with pytest.raises(ValueError, match=r"t is 1\.5"):
        interpolate(a, a, 1.5)


def test_tracks_are_constant_or_move_over_the_clip():
    a, b = embeddings(2)
    both = {"a": a, "b": b}
    moving = track(Blend(between=("a", "b"), t="moving"), both, 49)
    assert moving.shape == (49, 16)
    assert moving.dtype == np.float32
    np.testing.assert_array_equal(moving[[0, -1]], [a.vector, b.vector])
    assert (np.diff(moving @ b.vector) > 0).all()
    np.testing.assert_array_equal(track(Blend(between=("a", "b"), t=0.25), both, 49), [interpolate(a, b, 0.25).vector])
    np.testing.assert_array_equal(track(Blend(between=("a", "b"), t=1), both, 49), [b.vector])
    weights = {"a": 0.5, "b": 0.5}
    np.testing.assert_array_equal(track(Blend(weights=weights), both, 49), [blend(both, weights).vector])
    with pytest.raises(ValueError, match="no embedding of b; there are a"):
        track(Blend(between=("a", "b"), t=0.5), {"a": a}, 49)


def test_embedding_files_return_what_was_saved(tmp_path):
    few = dict(zip("ab", embeddings(2), strict=True))
    save_embeddings(tmp_path / "e.safetensors", few, {"backend": "dlib", "identity": "Zoë"})
    loaded = load_embeddings(tmp_path / "e.safetensors")
    assert loaded.keys() == few.keys()
    assert distance(loaded["a"], few["a"]) == 0
    with safe_open(tmp_path / "e.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["facedance"]) == {"backend": "dlib", "identity": "Zoë"}
    save_embeddings(tmp_path / "none.safetensors", {}, {})
    assert load_embeddings(tmp_path / "none.safetensors") == {}


def test_equal_embeddings_give_equal_bytes_in_every_process(tmp_path):
    code = (
        "import sys, numpy as np; from facedance.faces.embedding import *\n"
        "save_embeddings(sys.argv[1], {c: Embedding.of(np.arange(1, 5.0)) for c in 'abcd'}, {c: c for c in 'abcdefgh'})"
    )
    files = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for file in files:
        subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    assert len({file.read_bytes() for file in files}) == 1
