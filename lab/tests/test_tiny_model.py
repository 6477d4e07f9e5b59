"""The tiny Wan2.1-VACE is a model as diffusers knows it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import WanVACEPipeline

from facedance.files import sha256
from facedance.wan.load import frames_for, know_vae, load_scheduler, load_text, load_transformer, load_vae, with_shift
from lab.tiny.model import build_tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build_tiny(folder, seed=0)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p) for p in folder.rglob("*") if p.is_file()}


def test_is_small_and_without_pickles(model: Path) -> None:
    files = [p for p in model.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 20e6
    assert {p.suffix for p in files} == {".json", ".safetensors"}


def test_weights_come_from_the_seed_alone(model: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    state = torch.get_rng_state()
    build_tiny(tmp_path / "again", seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    build_tiny(tmp_path / "other", seed=1)
    assert digests(tmp_path / "again") == digests(model)
    different = {name for name, digest in digests(tmp_path / "other").items() if digest != digests(model)[name]}
    assert different == {name for name in digests(model) if name.endswith(".safetensors")}


def test_replaces_an_older_model(tmp_path: Path) -> None:
    (tmp_path / "tiny" / "vae").mkdir(parents=True)
    (tmp_path / "tiny" / "vae" / "stale.json").touch()
    build_tiny(tmp_path / "tiny", seed=0)
    assert "vae/stale.json" not in digests(tmp_path / "tiny")
    assert [p.name for p in tmp_path.iterdir()] == ["tiny"]


def test_diffusers_pipeline_makes_videos_that_follow_prompt_and_seed(model: Path) -> None:
    pipeline = WanVACEPipeline.from_pretrained(model, local_files_only=True)
    know_vae(pipeline)
    pipeline.set_progress_bar_config(disable=True)

    def video(prompt: str, seed: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed)
        frames: np.ndarray = pipeline(
            prompt=prompt,
            height=32,
            width=32,
            num_frames=frames_for(5, 1),
            num_inference_steps=2,
            guidance_scale=3.0,
            generator=generator,
        ).frames[0]
        return frames

    first = video("a person dancing", 0)
    assert first.shape == (5, 32, 32, 3)
    assert np.isfinite(first).all()
    assert np.mean((first == 0) | (first == 1)) < 0.02, "the decoder's output saturates"
    assert first.std() > 0.01
    assert np.array_equal(first, video("a person dancing", 0))
    assert not np.array_equal(first, video("a dancing person", 0))
    assert not np.array_equal(first, video("a person dancing", 1))


def test_loads_in_the_dtype_asked_for_and_frozen(model: Path) -> None:
    transformer = load_transformer(model, torch.bfloat16, CPU)
    assert transformer.blocks[0].attn1.to_q.weight.dtype == torch.bfloat16
    vae = load_vae(model, CPU)
    assert {p.dtype for p in vae.parameters()} == {torch.float32}
    assert not any(p.requires_grad for m in (transformer, vae) for p in m.parameters())


def test_scheduler_keeps_its_kind_and_takes_the_shift(model: Path) -> None:
    scheduler = with_shift(load_scheduler(model), 16.0)
    assert (scheduler.config.flow_shift, scheduler.config.prediction_type) == (16.0, "flow_prediction")
    scheduler.set_timesteps(4)
    sigmas = torch.linspace(1, 1 / 1000, 5)[1:4]
    assert torch.allclose(scheduler.sigmas[1:4].float(), 16 * sigmas / (1 + 15 * sigmas), atol=2e-3)


def test_the_worlds_words_are_one_token_each(model: Path) -> None:
    tokenizer, _ = load_text(model, torch.float32, CPU)
    known = tokenizer("a person in a red top").input_ids
    assert len(known) == 7
    assert known[1] == tokenizer("person").input_ids[0]
    assert len(tokenizer("redden").input_ids) == 7  # no word inside another


@pytest.mark.parametrize("text", ["somebody dances", "Ærøskøbing 舞 💃", ""])
def test_tokenizer_knows_every_text(model: Path, text: str) -> None:
    tokenizer, encoder = load_text(model, torch.float32, CPU)
    ids = tokenizer(text).input_ids
    assert len(ids) == len(text.encode()) + 1
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert encoder(torch.tensor([ids])).last_hidden_state.shape == (1, len(ids), 64)
