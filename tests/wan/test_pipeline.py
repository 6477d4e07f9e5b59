"""Rendering from cached latents is diffusers' own rendering, until a face is added."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UniPCMultistepScheduler, WanVACEPipeline
from PIL import Image
from torch import Tensor

from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import RenderMemory, RenderSpeed
from facedance.config.sections import WanModel
from facedance.wan.face_branch import FaceBranch
from facedance.wan.load import frames_for, know_vae
from facedance.wan.pipeline import ControlLatents, FaceVACEPipeline, load_pipeline, render_frames
from lab.tiny.model import BLOCKS, DIM, LATENT_CHANNELS, SPATIAL_FACTOR, TEMPORAL_FACTOR, build_tiny

SIZE, FRAMES = 32, 5
LATENT_FRAMES = (FRAMES - 1) // TEMPORAL_FACTOR + 1
ASKED_FRAMES = frames_for(LATENT_FRAMES, TEMPORAL_FACTOR)
WAN = WanModel(
    repo=None,
    revision=None,
    sizes=[(SIZE, SIZE)],
    frames=FRAMES,
    fps=16,
    clip_scale=1,
    drawing_side=128,
    dtype="float32",
)
SETTINGS = RenderSettings(
    prompt="dance",
    negative_prompt="none",
    steps=3,
    flow_shift=5.0,
    guidance_scale=3.0,
    face_scale=1.0,
    lora_scale=1.0,
    control_scale=0.8,
    reference=True,
    seed=7,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build_tiny(folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def ours(model: Path) -> FaceVACEPipeline:
    return load_pipeline(
        model, WAN, RenderMemory(weights="resident", tiled_decoding=False), RenderSpeed(compiled=False, attention="native")
    )


@pytest.fixture(scope="module")
def theirs(model: Path) -> WanVACEPipeline:
    pipeline = WanVACEPipeline.from_pretrained(model, local_files_only=True)
    know_vae(pipeline)  # the tiny VAE begins with patches, as Wan2.2's does; the pipeline counts its stages only
    pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config, flow_shift=SETTINGS.flow_shift)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE // 8, SIZE // 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


VIDEO = [picture(seed) for seed in range(FRAMES)]
REFERENCE = picture(99)


def encoded(theirs: WanVACEPipeline, reference: bool) -> ControlLatents:
    """What diffusers makes of the pictures, taken apart as the latents stage stores it."""
    with torch.no_grad():
        pictures = theirs.preprocess_conditions(VIDEO, None, REFERENCE, 1, SIZE, SIZE, FRAMES, torch.float32, torch.device("cpu"))
        latents = theirs.prepare_video_latents(*pictures, device=torch.device("cpu"))[0]  # (2 z, 1 + T', h, w)
        masks = theirs.prepare_masks(*pictures[1:])[0]
    z = theirs.vae.config.z_dim
    control = torch.cat([latents[:, 1:], masks[:, 1:]])
    return ControlLatents(control, (latents[:z, :1],) if reference else ())


@pytest.fixture(scope="module")
def prompts(theirs: WanVACEPipeline) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        embeddings, negative = theirs.encode_prompt("a person dancing", "blurred", max_sequence_length=512)
    return embeddings[0], negative[0]


def face_branch(pipeline: FaceVACEPipeline) -> FaceBranch:
    torch.manual_seed(0)
    branch = FaceBranch(embedding_dim=16, dim=DIM, blocks=BLOCKS, tokens=2, rank=8, width=32)
    for name, parameter in branch.named_parameters():
        if name.endswith("out_up.weight"):
            torch.nn.init.normal_(parameter, std=0.3)
    branch.requires_grad_(False).attach(pipeline.transformer)
    return branch


FACE = torch.nn.functional.normalize(torch.arange(16.0).cos(), dim=0)[None]


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("guidance", [3.0, 1.0])
def test_without_a_face_equals_diffusers_to_the_bit(
    ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor], reference: bool, guidance: float
) -> None:
    settings = SETTINGS.model_copy(update={"face_scale": 0.0, "guidance_scale": guidance})
    branch = face_branch(ours)
    frames = render_frames(
        ours, branch, encoded(theirs, reference), face=FACE, prompt=prompts[0], negative_prompt=prompts[1], settings=settings
    )
    branch.detach()
    expected = theirs(
        prompt="a person dancing",
        negative_prompt="blurred",
        video=VIDEO,
        reference_images=REFERENCE if reference else None,
        height=SIZE,
        width=SIZE,
        num_frames=ASKED_FRAMES,
        num_inference_steps=settings.steps,
        guidance_scale=guidance,
        conditioning_scale=settings.control_scale,
        generator=torch.Generator("cpu").manual_seed(settings.seed),
    ).frames[0]
    assert frames.shape == (FRAMES, SIZE, SIZE, 3)
    assert frames.std() > 5
    assert np.array_equal(frames, np.round(expected * 255).astype(np.uint8))


def test_latents_equal_diffusers_to_the_bit(
    ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor]
) -> None:
    """As above before rounding to bytes."""
    arguments = {
        "height": SIZE, "width": SIZE, "num_frames": ASKED_FRAMES, "num_inference_steps": 2, "output_type": "latent",
        "prompt_embeds": prompts[0][None], "negative_prompt_embeds": prompts[1][None],
    }  # fmt: skip
    branch = face_branch(ours)
    with branch.condition(FACE[None], 0.0):
        made = ours(video=encoded(theirs, True), generator=torch.Generator().manual_seed(1), **arguments).frames
    branch.detach()
    expected = theirs(video=VIDEO, reference_images=REFERENCE, generator=torch.Generator().manual_seed(1), **arguments).frames
    assert made.shape == (1, LATENT_CHANNELS, 1 + LATENT_FRAMES, SIZE // SPATIAL_FACTOR, SIZE // SPATIAL_FACTOR)
    assert torch.equal(made, expected)


def test_pictures_still_work(ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor]) -> None:
    made, expected = (
        pipeline(
            video=VIDEO, reference_images=REFERENCE, height=SIZE, width=SIZE, num_frames=ASKED_FRAMES, num_inference_steps=2,
            prompt_embeds=prompts[0][None], negative_prompt_embeds=prompts[1][None], output_type="latent",
            generator=torch.Generator().manual_seed(1),
        ).frames
        for pipeline in (ours, theirs)
    )  # fmt: skip
    assert torch.equal(made, expected)


def test_every_setting_and_input_matters(ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor]) -> None:
    branch = face_branch(ours)
    control = encoded(theirs, True)

    def rendered(face: Tensor = FACE, prompt: Tensor = prompts[0], control: ControlLatents = control, **changes: float) -> bytes:
        settings = SETTINGS.model_copy(update=changes)
        return render_frames(
            ours, branch, control, face=face, prompt=prompt, negative_prompt=prompts[1], settings=settings
        ).tobytes()

    frames = {
        "default": rendered(),
        "face off": rendered(face_scale=0.0),
        "face more": rendered(face_scale=2.0),
        "other face": rendered(face=FACE.flip(1)),
        "moving face": rendered(face=torch.cat([FACE, FACE, FACE.flip(1)])),
        "prompt": rendered(prompt=prompts[0].flip(1)),
        "steps": rendered(steps=4),
        "guidance": rendered(guidance_scale=1.0),
        "face guidance": rendered(face_guidance=6.0),
        "control": rendered(control_scale=0.0),
        "seed": rendered(seed=8),
        "reference": rendered(control=encoded(theirs, False)),
    }
    as_one = rendered(face_guidance=SETTINGS.guidance_scale)
    branch.detach()
    assert len(set(frames.values())) == len(frames)
    assert as_one == frames["default"]


def test_face_guidance_is_the_formula(
    ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"steps": 1, "face_guidance": 7.0})
    passes: list[dict[str, Any]] = []
    predictions: list[Tensor] = []
    step = ours.scheduler.step
    monkeypatch.setattr(ours.scheduler, "step", lambda v, *args, **kwargs: predictions.append(v) or step(v, *args, **kwargs))
    spy = ours.transformer.register_forward_pre_hook(lambda _, args, kwargs: passes.append(kwargs), with_kwargs=True)
    branch = face_branch(ours)
    render_frames(
        ours, branch, encoded(theirs, True), face=FACE, prompt=prompts[0], negative_prompt=prompts[1], settings=settings
    )
    spy.remove()
    conditional, unconditional = passes
    with torch.no_grad():
        none = ours.transformer(**unconditional)[0]
        text = ours.transformer(**conditional)[0]
        with branch.condition(FACE[None], settings.face_scale):
            full = ours.transformer(**conditional)[0]
    branch.detach()
    expected = none + settings.guidance_scale * (text - none) + 7.0 * (full - text)
    assert (full - text).abs().max() > 0.01
    assert torch.allclose(predictions[0], expected, atol=1e-4)


@pytest.mark.parametrize("face_guidance", [None, 6.0])
def test_steps_between_are_extrapolated_from_the_same_pass(
    ours: FaceVACEPipeline, theirs: WanVACEPipeline, prompts: tuple[Tensor, Tensor], face_guidance: float | None
) -> None:
    branch = face_branch(ours)

    def rendered(interval: int) -> tuple[bytes, list[Tensor], int]:
        """A render, what the transformer gave in each pass, and how many times a block was computed."""
        predictions: list[Tensor] = []
        computed: list[int] = []
        spies = [
            ours.transformer.register_forward_hook(lambda module, args, output: predictions.append(output[0])),
            ours.transformer.blocks[1].attn1.register_forward_hook(lambda *_: computed.append(1)),
        ]
        frames = render_frames(
            ours, branch, encoded(theirs, True), face=FACE, prompt=prompts[0], negative_prompt=prompts[1],
            settings=SETTINGS.model_copy(update={"steps": 7, "face_guidance": face_guidance, "cache_interval": interval}),
        )  # fmt: skip
        for spy in spies:
            spy.remove()
        return frames.tobytes(), predictions, len(computed)

    whole, every, calls = rendered(1)
    cached, some, fewer = rendered(2)
    again, _, _ = rendered(2)
    after, _, _ = rendered(1)
    branch.detach()
    assert fewer * 7 == calls * 5  # all but steps 2 and 4
    for i in (0, 1):  # with the prompt, without
        before, last, extrapolated = some[i], some[2 + i], some[4 + i]
        assert torch.allclose(extrapolated, 2 * last - before, atol=1e-4)
        assert torch.equal(before, every[i])
        assert not torch.allclose(extrapolated, every[4 + i], atol=1e-4)
    assert cached == again
    assert cached != whole
    assert after == whole


@pytest.mark.parametrize("changes", [{}, {"face_guidance": 6.0}, {"cache_interval": 2, "steps": 7}])
def test_guidance_in_one_batch_renders_the_same(
    ours: FaceVACEPipeline,
    theirs: WanVACEPipeline,
    prompts: tuple[Tensor, Tensor],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
) -> None:
    """Up to rounding: a grey level in some pixels."""
    branch, settings = face_branch(ours), SETTINGS.model_copy(update=changes)
    frames = []
    for batched in (False, True):
        monkeypatch.setattr(ours, "batched_guidance", batched)
        frames.append(
            render_frames(
                ours, branch, encoded(theirs, True), face=FACE, prompt=prompts[0], negative_prompt=prompts[1], settings=settings
            ).astype(int)
        )  # fmt: skip
    branch.detach()
    assert frames[0].std() > 5
    assert np.abs(frames[1] - frames[0]).max() <= 1
