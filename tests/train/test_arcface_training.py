"""A training in which ArcFace joins in, from embeddings of its length."""

from dataclasses import replace

import pandas as pd

from benchmarks.random_arcface import save_arcface
from facedance.config.sections import Phase
from facedance.files import read_json, sha256
from facedance.train.loop import AdapterFiles, train_identity
from tests.faces.packs import save_detector
from tests.train.training_world import SAID, WAN, changed, files_in, write_world

STEPS = 3


def test_arcface_joins_in_a_training_and_counts_in_its_key(tmp_path):
    write_world(tmp_path, dimension=512)
    pack = tmp_path / "buffalo_l"
    save_detector(pack / "det_10g.onnx")
    save_arcface(pack / "w600k_r50.onnx")
    train = changed(phases=(Phase(steps=STEPS, trains=("face", "lora")),), photo_share=1.0, batch_size=1)
    files = replace(files_in(tmp_path), recogniser=pack)
    metas = []
    for weight in (0.5, 0.0):
        out = tmp_path / f"with {weight}"
        written = AdapterFiles(
            state=out / "state",
            adapter=out / "adapter",
            meta=out / "meta",
            metrics=out / "metrics",
            likeness=out / "validation.csv",
            validation=out / "validation",
        )
        train_identity("ann", files, written, WAN, train.model_copy(update={"identity_weight": weight}), SAID)
        assert pd.read_csv(out / "metrics")["identity_loss"].notna().sum() == (STEPS if weight else 0)
        metas.append(read_json(out / "meta"))
    joined, alone = metas
    assert joined["inputs"]["recogniser"] == sha256(pack / "w600k_r50.onnx")
    assert "recogniser" not in alone["inputs"]
    assert joined["adapter"] != alone["adapter"]
