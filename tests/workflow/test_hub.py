"""The pipeline with a model, and a LoRA, from a hub on this machine."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file, save

from facedance.video.frames import read_frames
from facedance.wan.device import ALLOW_CPU
from tests.loopback_hub import serving

pytestmark = pytest.mark.thorough

FAST = "loras/fast.safetensors"
LORA = "results/train/eileen/lora.diffusers.safetensors"


@pytest.fixture(scope="module")
def files(finished, tmp_path_factory):
    """The tiny model in diffusers' layout, without what this project adds to it, and a LoRA strong enough to be seen."""
    layout = {"model_index.json", "scheduler", "text_encoder", "tokenizer", "transformer", "vae"}
    model = finished["models/tiny"]
    files = {
        path.relative_to(model).as_posix(): path.read_bytes()
        for path in model.rglob("*")
        if path.is_file() and path.relative_to(model).parts[0] in layout
    }
    copy = finished.copy(tmp_path_factory.mktemp("lora") / "p")
    copy.snakemake(LORA)
    lora = load_file(copy[LORA])
    return {**files, FAST: save({name: tensor * 30 if ".lora_B." in name else tensor for name, tensor in lora.items()})}


@pytest.fixture
def hub(files, monkeypatch):
    with serving(files) as server:
        hub = {"HF_ENDPOINT": server.url, "HF_HUB_OFFLINE": "0", "no_proxy": "127.0.0.1"}
        for name, value in {**hub, ALLOW_CPU: "1"}.items():
            monkeypatch.setenv(name, value)
        yield server


def test_the_whole_pipeline_runs_from_the_hub(project, hub):
    use_hub(project)
    project.change("identities", {"eileen": {"consent": "public-domain"}})
    project.change("sample.identities", ["eileen"])
    project.change("render.blends", {})
    project.change("render.batches", [{"who": ["eileen"], "videos": ["gBR*"]}])
    project.snakemake("all")
    assert {name for name in hub.fetched if name.endswith(".safetensors")} == {
        f"{part}/{'model' if part == 'text_encoder' else 'diffusion_pytorch_model'}.safetensors"
        for part in ("text_encoder", "transformer", "vae")
    }
    recorded, shipped = (json.loads(project[f"models/{name}/manifest.json"].read_text())["files"] for name in ("hubs", "tiny"))
    assert {name: shipped[name] for name in recorded} == recorded
    assert project["results/report/index.html"].exists()
    assert project.planned("all") == {}
    render = min(project["results/render/eileen"].glob("*/default.mp4"))
    plain = read_frames(render)
    project.change("models.hubs.revision", "v2")
    assert project.planned("models") == {"fetch_wan_model": 1, "models": 1}
    project.change("models.hubs.revision", "v1")

    project.change("render.loras", {"fast": {"repo": "some/loras", "revision": "v1", "file": FAST, "scale": 1.0}})
    project.snakemake(str(render.relative_to(project.folder)))
    assert FAST in hub.fetched
    assert np.abs(read_frames(render).astype(int) - plain).mean() > 1


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
    tiny = {**project.values("models", "models.yaml")["tiny"], "frames": 9}
    project.change("models.hubs", {**tiny, "repo": "some/model", "revision": "v1"})
