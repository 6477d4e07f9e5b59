"""What is left over goes, and nothing else."""

import pytest

from facedance.rerun.prune import Wanted, prune

WANTED = Wanted(
    people=["ann"], rendered=["ann", "both"], videos=["dance", "dance_000"], controls=["control-one"], shards=["0001", "control"]
)
KEPT = [
    "results/faces/ann/embedding.safetensors",
    "results/latents/photos/ann.safetensors",
    "results/train/ann/lora.kohya.safetensors",
    "results/clips/dance_000.mp4",
    "results/clips/dance_000_000.mp4",
    "results/clips/.items/dance.json",
    "results/clips/.items/dance_000.json",
    "results/poses/control-one.mp4",
    "results/render/ann/dance_000/face_scale~1.2.mp4",
    "results/render/both/control-one/default.mp4",
    "results/render/manifests/ann/0001.csv",
    "results/render/stamps/render_shard.ann.0001.json",
    "results/render/stamps/render_shard.ann.control.json",
    "results/evaluate/metrics.csv",
    "data/photos/bob/1.jpg",
]
LEFT_OVER = [
    "results/faces/bob/embedding.safetensors",
    "results/faces/stamps/embed_faces.bob.json",
    "results/latents/photos/bob.safetensors",
    "results/train/bob/adapter.safetensors",
    ".cache/training/bob/0/step_0000001.json",
    "results/clips/other_000.mp4",
    "results/clips/.items/other.json",
    "results/poses/control-two.mp4",
    "results/poses/.items/other_000.parquet",
    "results/latents/clips/.items/other_001.json",
    "results/render/ann/other_000/default.mp4",
    "results/render/.items/ann/control-two/default.json",
    "results/render/bob/dance_000/default.mp4",
    "results/render/stamps/render_shard.bob.0001.json",
    "results/render/stamps/render_shard.ann.0000.json",
    "results/evaluate/shards/ann/observations/other_000.default.safetensors",
    "results/evaluate/shards/ann/0000.csv",
    "results/dancers/boxes/0000.parquet",
]


@pytest.fixture
def root(tmp_path):
    for name in (*KEPT, *LEFT_OVER):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_only_what_belongs_to_nobody_goes(root):
    removed = prune(root, WANTED)
    there = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert there == set(KEPT)
    assert all(path.is_relative_to(root) for path in removed)


def test_a_second_time_there_is_nothing_to_do(root):
    prune(root, WANTED)
    assert prune(root, WANTED) == []
