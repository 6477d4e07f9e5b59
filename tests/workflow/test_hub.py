"""The pipeline with a model, and a LoRA, from a hub on this machine."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from facedance.video import read_frames

from ..loopback_hub import serving

FAST = "loras/fast.safetensors"
RENDER = "results/renders/eileen/gBR_sBM_c01_d04_mBR0_ch01_000/default.mp4"


@pytest.fixture
def hub(finished, monkeypatch, tmp_path):
    """It holds the tiny model in diffusers' layout, without what this project adds to it, and a LoRA."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    layout = {"model_index.json", "scheduler", "text_encoder", "tokenizer", "transformer", "vae"}
    model = finished["models/tiny"]
    files = {
        path.relative_to(model).as_posix(): path.read_bytes()
        for path in model.rglob("*")
        if path.is_file() and path.relative_to(model).parts[0] in layout
    }
    lora = finished["results/train/eileen/lora.diffusers.safetensors"]
    with serving({**files, FAST: strengthened(lora, tmp_path / "fast.safetensors")}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def strengthened(lora, path):
    """The bytes of a LoRA that is strong enough to be seen."""
    tensors = load_file(lora)
    save_file({name: tensor * 30 if ".lora_B." in name else tensor for name, tensor in tensors.items()}, path)
    return path.read_bytes()


def test_the_whole_pipeline_runs_from_the_hub(project, hub):
    use_hub(project)
    project.snakemake("all")
    assert {name for name in hub.fetched if name.endswith(".safetensors")} == {
        f"{part}/{'model' if part == 'text_encoder' else 'diffusion_pytorch_model'}.safetensors"
        for part in ("text_encoder", "transformer", "vae")
    }
    recorded, shipped = (json.loads(project[f"models/{name}/manifest.json"].read_text())["files"] for name in ("hubs", "tiny"))
    assert {name: shipped[name] for name in recorded} == recorded
    assert project["results/report/index.html"].exists()
    assert project.planned("all") == {}
    plain = read_frames(project[RENDER])
    project.change("models.hubs.revision", "v2")
    assert project.planned("models") == {"fetch_wan_model": 1, "models": 1}
    project.change("models.hubs.revision", "v1")

    project.change("render.loras", {"fast": {"repo": "some/loras", "revision": "v1", "file": FAST, "scale": 1.0}})
    project.snakemake(RENDER)
    assert FAST in hub.fetched
    assert np.abs(read_frames(project[RENDER]).astype(int) - plain).mean() > 1


@pytest.mark.parametrize(("status", "code", "words"), [(404, "RepoNotFound", "does not exist"), (401, None, "HF_TOKEN")])
def test_what_the_hub_refuses_is_said_in_a_sentence(project, hub, status, code, words):
    use_hub(project)
    hub.error = status, code
    done = project.snakemake("models", check=False)
    assert done.returncode
    said = [line for line in done.stderr.splitlines() if "some/model" in line and line.startswith("[model hubs]")]
    assert len(said) == 1
    assert words in said[0]
    assert not list(project["models/hubs"].rglob("*.safetensors"))
    assert not project["models/hubs/manifest.json"].exists()


def use_hub(project):
    project.change("model", "hubs")
    project.change("models.hubs", {**project.values("models.tiny"), "repo": "some/model", "revision": "v1"})
    project.change("model_defaults.hubs", project.values("model_defaults.tiny"))
