"""Renders: what is written, what it says of itself, and what is kept."""

import errno
import json
import shutil
import threading
import wave
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from facedance.config.marks import Marks
from facedance.config.render_settings import RenderSettings
from facedance.config.rendering import Blend, RenderMemory, RenderSpeed
from facedance.config.sections import WanModel
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.files import digest, read_json, sha256, write_json
from facedance.job import InputError
from facedance.latents.references import reference_name
from facedance.marks.finished import write_finished
from facedance.marks.reading import read_credentials
from facedance.plan.peaks import MEMORY_LADDER
from facedance.render import clips as render
from facedance.render import finishing, scene
from facedance.render.inputs import Person, RenderInputs, RenderJob
from facedance.video.frames import read_frames
from facedance.video.opening import read_metadata
from facedance.video.times import inspect
from facedance.video.writing import write_video
from facedance.wan.adapter import AdapterConfig, apply_adapters, attach, read_adapter, save_adapter, trainable
from facedance.wan.face_branch import FaceSizes
from facedance.wan.load import load_transformer
from facedance.wan.lora_files import export_lora
from facedance.wan.pipeline import load_pipeline, render_frames
from lab.tiny.model import BLOCKS, DIM, LATENT_CHANNELS, SPATIAL_FACTOR, TEMPORAL_FACTOR, build_tiny

SIZE, FRAMES, EMBEDDING = 32, 9, 16
CONTROL_CHANNELS = 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2
LATENT_SIZE, LATENT_FRAMES = (SIZE // SPATIAL_FACTOR, SIZE // SPATIAL_FACTOR), (FRAMES - 1) // TEMPORAL_FACTOR + 1
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
    steps=1,
    guidance_scale=1.0,
    face_scale=1.0,
    lora_scale=1.0,
    control_scale=1.0,
    reference=True,
    seed=0,
)

RESIDENT = RenderMemory(weights="resident", tiled_decoding=False)
PLAIN = RenderSpeed(compiled=False, attention="native")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, two people and two clips, of which the second has no music."""
    folder = tmp_path_factory.mktemp("world")
    generator = torch.Generator().manual_seed(0)
    build_tiny(folder / "model", seed=0)
    transformer = load_transformer(folder / "model", torch.float32, torch.device("cpu"))
    config = AdapterConfig(
        face=FaceSizes(embedding_dim=EMBEDDING, dim=DIM, blocks=BLOCKS, tokens=2, rank=8, width=16),
        lora_rank=2,
        lora_alpha=2.0,
        lora_targets=("to_q",),
    )
    branch = attach(transformer, config, seed=0)
    parameters = trainable(transformer, branch, {"face", "lora"})
    for person in ("eileen", "nora"):
        with torch.no_grad():
            for parameter in parameters.values():
                parameter.normal_(std=0.3, generator=generator)
        save_adapter(folder / person / "adapter.safetensors", transformer, branch, config, {})
        vector = np.random.default_rng(len(person)).normal(size=EMBEDDING)
        save_embeddings(folder / person / "embedding.safetensors", {"embedding": Embedding.of(vector)}, {})
        head = torch.randn(LATENT_CHANNELS, 1, *LATENT_SIZE, generator=generator)
        save_file({reference_name(head): head}, folder / person / "photos.safetensors")
    save_file({name: torch.randn(512, 64, generator=generator) for name in ("a dance", "")}, folder / "prompts.safetensors")
    (folder / "latents").mkdir()
    for clip in ("dance_000", "control-mine"):
        save_file(
            {"control": torch.randn(CONTROL_CHANNELS, LATENT_FRAMES, *LATENT_SIZE, generator=generator)},
            folder / "latents" / f"{clip}.safetensors",
        )
        write_video(folder / "controls" / f"{clip}.mp4", [np.zeros((SIZE, SIZE, 3), np.uint8)] * FRAMES, 16)
    _write_clip_with_music(folder / "clips" / "dance_000.mp4")
    write_json(folder / "stamp.json", {"params": {}, "code": {"facedance.render.clips": "1"}})
    return folder


def _write_clip_with_music(path: Path) -> None:
    path.parent.mkdir(parents=True)
    tone = (np.sin(np.arange(48000) / 20) * 20000).astype(np.int16)
    with wave.open(str(path.parent / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(tone.tobytes())
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    write_video(path, [black] * FRAMES, 16, audio_from=path.parent / "tone.wav")


def inputs(
    world: Path,
    *people: str,
    blend: Blend | None = None,
    loras: Mapping[Path, float] | None = None,
    memory: RenderMemory = RESIDENT,
    speed: RenderSpeed = PLAIN,
) -> RenderInputs:
    files = {
        name: Person(
            adapter=world / name / "adapter.safetensors",
            embedding=world / name / "embedding.safetensors",
            photos=world / name / "photos.safetensors",
            consent=f"{name} said yes",
        )
        for name in people
    }
    return RenderInputs(
        model=world / "model",
        wan=WAN,
        memory=memory,
        speed=speed,
        prompts=world / "prompts.safetensors",
        texts={"dance": "a dance", "none": ""},
        people=files,
        blend=blend,
        loras=loras or {},
        latents_folder=world / "latents",
        controls_folder=world / "controls",
        clips_folder=world / "clips",
        marks=Marks(credentials=False, watermark=False),
    )


def run(
    world: Path,
    folder: Path,
    jobs: list[RenderJob],
    given: RenderInputs,
    provenance: Mapping[str, str] | None = None,
) -> None:
    render.render_clips(
        jobs,
        given,
        folder=folder,
        stamp=world / "stamp.json",
        provenance=provenance or {"weights": "0"},
        manifest=folder / "manifest.csv",
    )


JOBS = [
    RenderJob("eileen", "dance_000", "default", SETTINGS),
    RenderJob("eileen", "dance_000", "lora_scale~0", SETTINGS.varied("lora_scale~0")),
    RenderJob("eileen", "dance_000", "reference~false", SETTINGS.varied("reference~false")),
    RenderJob("eileen", "control-mine", "default", SETTINGS),
]


@pytest.fixture(scope="module")
def renders(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("renders")
    run(world, folder, JOBS, inputs(world, "eileen"))
    return folder


def test_writes_video_sidecar_and_manifest(renders: Path) -> None:
    table = pd.read_csv(renders / "manifest.csv")
    assert list(table["video"]) == [f"{job.name}.mp4" for job in JOBS]
    for job in JOBS:
        frames = read_frames(renders / f"{job.name}.mp4")
        assert frames.shape == (FRAMES, SIZE, SIZE, 3)
        assert frames.std() > 3
        assert inspect(renders / f"{job.name}.mp4").has_audio == (job.clip == "dance_000")


def test_lora_and_reference_are_in_the_frames(renders: Path) -> None:
    default, face_only, without_reference = (read_frames(renders / f"{job.name}.mp4").astype(float) for job in JOBS[:3])
    assert np.abs(default - face_only).mean() > 1
    assert np.abs(default - without_reference).mean() > 1


def test_offloaded_blocks_give_the_same_pictures(world: Path, renders: Path, tmp_path: Path) -> None:
    """Also from one LoRA scale to the next."""
    offloaded = RenderMemory(weights="offloaded", tiled_decoding=True)
    run(world, tmp_path, JOBS[:2], inputs(world, "eileen", memory=offloaded))
    for job in JOBS[:2]:
        assert np.array_equal(read_frames(tmp_path / f"{job.name}.mp4"), read_frames(renders / f"{job.name}.mp4"))


@pytest.mark.parametrize("weights", ["offloaded", "float8"])
def test_steps_are_extrapolated_wherever_the_weights_are(world: Path, tmp_path: Path, weights: str) -> None:
    memory = RenderMemory(weights=weights, tiled_decoding=False)
    variants = ("steps~6", "steps~6_cache_interval~3", "steps~6_seed~1")
    jobs = [RenderJob("eileen", "dance_000", variant, SETTINGS.varied(variant)) for variant in variants]
    run(world, tmp_path / "all", jobs, inputs(world, "eileen", memory=memory))
    run(world, tmp_path / "one", jobs[1:2], inputs(world, "eileen", memory=RESIDENT if weights == "offloaded" else memory))
    every, cached, other = (read_frames(tmp_path / "all" / f"{job.name}.mp4") for job in jobs)
    assert not np.array_equal(every, cached)
    assert not np.array_equal(every, other)
    assert np.array_equal(cached, read_frames(tmp_path / "one" / f"{jobs[1].name}.mp4"))


def test_float8_takes_a_byte_a_number_and_leaves_the_lora_as_it_was(world: Path) -> None:
    random = torch.Generator().manual_seed(0)
    latents = torch.randn(1, LATENT_CHANNELS, LATENT_FRAMES, *LATENT_SIZE, generator=random)
    control = torch.randn(1, CONTROL_CHANNELS, LATENT_FRAMES, *LATENT_SIZE, generator=random)
    text, adapter = torch.randn(1, 512, 64, generator=random), read_adapter(world / "eileen" / "adapter.safetensors")

    @torch.no_grad()
    def velocities(memory: RenderMemory) -> tuple[torch.Tensor, torch.Tensor]:
        """With LoRA and without."""
        model = load_pipeline(world / "model", WAN, memory, PLAIN).transformer
        layers = [layer.weight.dtype for block in model.blocks for layer in (block.attn1.to_q, block.ffn.net[2])]
        assert set(layers) == {torch.float8_e4m3fn if memory.weights == "float8" else torch.float32}

        def velocity() -> torch.Tensor:
            step: torch.Tensor = model(
                hidden_states=latents, timestep=torch.tensor([500.0]), encoder_hidden_states=text, control_hidden_states=control
            ).sample
            return step

        without = velocity()
        branch = apply_adapters(model, {"eileen": (adapter, 1.0)}, 1.0)
        assert branch is not None
        return velocity(), without

    exact, exact_without = velocities(RESIDENT)
    rounded, rounded_without = velocities(RenderMemory(weights="float8", tiled_decoding=False))
    assert 0 < (rounded_without - exact_without).norm() < 0.1 * exact_without.norm()
    by_lora, exactly_by_lora = rounded - rounded_without, exact - exact_without
    assert (by_lora - exactly_by_lora).norm() < 0.2 * exactly_by_lora.norm()


def test_a_full_gpu_is_answered_with_the_next_thing_to_try(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(render, "load_pipeline", full)
    advice = []
    for memory in MEMORY_LADDER:
        with pytest.raises(InputError, match="the GPU has no room") as error:
            run(world, tmp_path, JOBS[:1], inputs(world, "eileen", memory=memory))
        advice.append(str(error.value))
    for text, word in zip(advice, ("tiled_decoding", "float8", "offloaded", "fewer frames"), strict=True):
        assert word in text


def test_says_what_made_it(world: Path, renders: Path) -> None:
    record = json.loads((renders / "eileen/dance_000/lora_scale~0.json").read_text())
    assert record["ai_generated"] is True
    assert record["settings"] == {**SETTINGS.model_dump(exclude={"seeds"}), "lora_scale": 0.0}
    assert (record["identity"], record["clip"], record["variant"]) == ("eileen", "dance_000", "lora_scale~0")
    person = record["people"]["eileen"]
    assert (person["consent"], person["weight"]) == ("eileen said yes", 1.0)
    assert person["adapter_sha256"] == sha256(world / "eileen" / "adapter.safetensors")
    assert record["latents_sha256"] == sha256(world / "latents" / "dance_000.safetensors")
    assert record["provenance"] == {"weights": "0"}
    assert str(world) not in json.dumps(record)
    tags = read_metadata(renders / "eileen/dance_000/lora_scale~0.mp4")
    assert json.loads(tags["comment"]) == record
    assert "AI-generated" in tags["title"]
    assert tags["ai_generated"] == "true"


def test_equal_inputs_give_equal_bytes(world: Path, renders: Path, tmp_path: Path) -> None:
    run(world, tmp_path, JOBS[1:2], inputs(world, "eileen"))  # alone, not second of three
    for suffix in (".mp4", ".json"):
        assert sha256(tmp_path / f"{JOBS[1].name}{suffix}") == sha256(renders / f"{JOBS[1].name}{suffix}")


def test_keeps_what_is_there_and_makes_what_is_damaged(world: Path, renders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(render, "_rendered", lambda jobs, *args: made.extend(job.name for job in jobs) or [])
    run(world, renders, JOBS, inputs(world, "eileen"))
    assert made == []
    video = renders / f"{JOBS[0].name}.mp4"
    whole = video.read_bytes()
    video.write_bytes(whole[:-1])
    run(world, renders, JOBS, inputs(world, "eileen"))
    video.write_bytes(whole)
    assert made == [JOBS[0].name]
    made.clear()
    run(world, renders, JOBS, inputs(world, "eileen"), provenance={"weights": "1"})
    assert made == [job.name for job in JOBS]


def test_a_job_loads_the_model_once(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    monkeypatch.setattr(render, "load_pipeline", lambda *args: loads.append(args) or load_pipeline(*args))
    run(world, tmp_path, JOBS, inputs(world, "eileen"))
    assert len(loads) == 1 < len(JOBS)


def test_a_video_is_written_while_the_next_is_made(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.zeros((FRAMES, SIZE, SIZE, 3), np.uint8)
    next_is_made = threading.Event()

    def made(jobs: list[RenderJob], *args: object) -> Iterator[tuple[RenderJob, np.ndarray]]:
        yield jobs[0], frames
        next_is_made.set()
        yield jobs[1], frames

    def slow(*args: object, **more: object) -> None:
        assert next_is_made.wait(20)
        write_finished(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(render, "_rendered", made)
    monkeypatch.setattr(finishing, "write_finished", slow)
    run(world, tmp_path, JOBS[:2], inputs(world, "eileen"))
    for job in JOBS[:2]:
        assert read_frames(tmp_path / f"{job.name}.mp4").shape == frames.shape


def test_a_video_that_cannot_be_written_ends_the_job(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(render, "_rendered", lambda jobs, *args: ((job, np.zeros((1, 8, 8, 3), np.uint8)) for job in jobs))
    monkeypatch.setattr(finishing, "write_finished", full)
    for count in (1, 3):
        with pytest.raises(OSError, match="No space left"):
            run(world, tmp_path, JOBS[:count], inputs(world, "eileen"))
    assert not list(tmp_path.iterdir())


def test_compiled_blocks_give_the_same_pictures(world: Path, renders: Path, tmp_path: Path) -> None:
    """With a face and a LoRA, and without the LoRA."""
    run(world, tmp_path, JOBS[:2], inputs(world, "eileen", speed=RenderSpeed(compiled=True, attention="native")))
    for job in JOBS[:2]:
        compiled, plain = (read_frames(folder / f"{job.name}.mp4").astype(int) for folder in (tmp_path, renders))
        assert np.abs(compiled - plain).max() <= 2


@pytest.mark.parametrize("attention", ["sage", "flash3_hub"])
def test_attention_that_is_not_there_is_refused(world: Path, tmp_path: Path, attention: str) -> None:
    for dtype, reason in {"float32": "takes no float32", "bfloat16": "cannot be used here"}.items():
        given = inputs(world, "eileen", speed=RenderSpeed(compiled=False, attention=attention))
        given = replace(given, wan=WAN.model_copy(update={"dtype": dtype}))
        with pytest.raises(InputError, match=f"render.speed.attention {attention} {reason}"):
            run(world, tmp_path, JOBS[:1], given)


def test_nothing_to_render_loads_no_model(world: Path, renders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "load_pipeline", lambda *args: pytest.fail("the model was loaded"))
    run(world, renders, JOBS, inputs(world, "eileen"))
    encoded = load_file(world / "prompts.safetensors")
    save_file({**encoded, "a beach": encoded[""] + 1}, tmp_path / "more.safetensors")
    given = replace(inputs(world, "eileen"), texts={"dance": "a dance", "beach": "a beach", "none": ""})
    run(world, renders, JOBS, replace(given, prompts=tmp_path / "more.safetensors"))  # another prompt is nothing to a render
    with pytest.raises(pytest.fail.Exception, match="the model was loaded"):
        run(world, renders, JOBS, replace(given, texts={"dance": "a dance", "none": "a dance"}))


def test_blends_are_neither_of_their_members(world: Path, renders: Path, tmp_path: Path) -> None:
    half = Blend(weights={"eileen": 1.0, "nora": 3.0})
    morph = Blend(between=("eileen", "nora"), t="moving")
    for name, blend in {"half": half, "morph": morph}.items():
        run(world, tmp_path, [RenderJob(name, "dance_000", "default", SETTINGS)], inputs(world, "eileen", "nora", blend=blend))
    videos = [renders / "eileen", tmp_path / "half", tmp_path / "morph"]
    assert len({(folder / "dance_000/default.mp4").read_bytes() for folder in videos}) == 3
    record = json.loads((tmp_path / "half/dance_000/default.json").read_text())
    assert {name: person["weight"] for name, person in record["people"].items()} == {"eileen": 0.25, "nora": 0.75}
    assert record["people"]["nora"]["consent"] == "nora said yes"


def test_unknown_prompt_is_refused(world: Path, tmp_path: Path) -> None:
    job = RenderJob("eileen", "dance_000", "prompt~beach", SETTINGS.varied("prompt~beach"))
    with pytest.raises(InputError, match=r"no prompt beach; .* has dance, none"):
        run(world, tmp_path, [job], inputs(world, "eileen"))


def test_a_lora_of_another_program_adds_to_the_persons(world: Path, tmp_path: Path) -> None:
    """The person's own LoRA a second time does what twice its strength does."""
    export_lora(world / "eileen" / "adapter.safetensors", lora := tmp_path / "lora.safetensors", "kohya")
    job = RenderJob("eileen", "dance_000", "default", SETTINGS)
    run(world, tmp_path / "once", [job], inputs(world, "eileen"))
    run(
        world,
        tmp_path / "twice",
        [RenderJob("eileen", "dance_000", "x", SETTINGS.varied("lora_scale~2"))],
        inputs(world, "eileen"),
    )
    run(world, tmp_path / "beside", [job], inputs(world, "eileen", loras={lora: 1.0}))
    once, twice, beside = (
        read_frames(tmp_path / name).astype(int)
        for name in ("once/eileen/dance_000/default.mp4", "twice/eileen/dance_000/x.mp4", "beside/eileen/dance_000/default.mp4")
    )
    assert np.abs(beside - twice).max() <= 2
    assert np.abs(beside - once).max() > 10
    record = read_json(tmp_path / "beside/eileen/dance_000/default.json")
    assert record["loras"] == [{"sha256": sha256(lora), "scale": 1.0}]


@pytest.fixture
def long_dance(world: Path) -> Iterator[str]:
    """A clip of three windows."""
    rng = np.random.default_rng(0)
    poses = rng.integers(0, 256, (FRAMES + 8, 4, 4, 3), dtype=np.uint8).repeat(SIZE // 4, 1).repeat(SIZE // 4, 2)
    control = world / "controls" / "long_000.mp4"
    write_video(control, poses, 16)
    shutil.copy(world / "latents" / "dance_000.safetensors", world / "latents" / "long_000.safetensors")
    yield "long_000"
    control.unlink()
    (world / "latents" / "long_000.safetensors").unlink()


def test_a_long_clip_is_made_in_windows_and_goes_on_after_a_kill(
    world: Path, renders: Path, tmp_path: Path, long_dance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = RenderJob("eileen", long_dance, "default", SETTINGS)
    run(world, tmp_path / "whole", [job], inputs(world, "eileen"))
    video = f"{job.name}.mp4"
    frames = read_frames(tmp_path / "whole" / video)
    assert len(frames) == FRAMES + 8
    assert read_json(tmp_path / "whole" / f"{job.name}.json")["seams"] == [FRAMES, FRAMES + 4]
    assert not (tmp_path / "whole" / ".windows" / job.name).exists()
    short = read_frames(renders / "eileen/dance_000/default.mp4")
    first = slice(FRAMES - SETTINGS.overlap)
    assert np.abs(frames[first].astype(int) - short[first]).mean() < 2  # what a short clip is; H.264 looks ahead

    made = []

    def dies_in_the_third(*args: Any, **kwargs: Any) -> Any:
        made.append(len(made))
        if len(made) == 3:
            raise KeyboardInterrupt
        return render_frames(*args, **kwargs)

    monkeypatch.setattr(scene, "render_frames", dies_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        run(world, tmp_path / "killed", [job], inputs(world, "eileen"))
    run(world, tmp_path / "killed", [job], inputs(world, "eileen"))
    assert len(made) == 4  # two, the one that was not finished, and that one again
    assert (tmp_path / "killed" / video).read_bytes() == (tmp_path / "whole" / video).read_bytes()


@pytest.mark.parametrize("change", ["overlap~1", "overlap~0", "hold_colors~true"])
def test_how_windows_go_on_is_in_the_later_frames_alone(
    world: Path, renders: Path, tmp_path: Path, long_dance: str, change: str
) -> None:
    jobs = [RenderJob("eileen", long_dance, variant, SETTINGS.varied(variant)) for variant in ("default", change)]
    run(world, tmp_path, jobs, inputs(world, "eileen"))
    default, other = (read_frames(tmp_path / f"{job.name}.mp4").astype(float) for job in jobs)
    change_in = np.abs(default - other).mean((1, 2, 3))
    assert change_in[FRAMES:].mean() > 1
    assert change_in[: FRAMES - SETTINGS.overlap].mean() < 0.7 * change_in[FRAMES:].mean()  # H.264 looks ahead


def test_a_marked_render_differs_by_its_marks_alone_and_its_claim_names_nobody(
    world: Path, renders: Path, tmp_path: Path
) -> None:
    marks = Marks(credentials=True, watermark=True)
    run(world, tmp_path / "1", JOBS[:1], replace(inputs(world, "eileen"), marks=marks))
    video = tmp_path / "1" / f"{JOBS[0].name}.mp4"
    apart = read_frames(video).astype(int) - read_frames(renders / f"{JOBS[0].name}.mp4")
    assert 0.5 < apart.std() < 5
    said, record = read_credentials(video), read_json(video.with_suffix(".json"))
    assert said is not None
    assert (said.made_by_ai, said.failures, said.inputs) == (True, (), ())
    assert said.render["record"]["hash"] == digest(record)
    assert "adapter of person 1" in {one["what"] for one in said.render["inputs"]}
    assert "eileen" not in repr(said)
    assert record["marks"]["credentials"] is True

    moved = tmp_path / "another project"
    shutil.copytree(world, moved)
    run(moved, tmp_path / "3", JOBS[:1], replace(inputs(moved, "eileen"), marks=marks))
    assert (tmp_path / "3" / f"{JOBS[0].name}.mp4").read_bytes() == video.read_bytes()

    sources = {"dance_000": video}  # a driving video with signed metadata of its own, which has to stay
    run(world, tmp_path / "2", JOBS[:1], replace(inputs(world, "eileen"), marks=marks, sources=sources))
    again = read_credentials(tmp_path / "2" / f"{JOBS[0].name}.mp4")
    assert again is not None
    assert (again.inputs, again.failures) == (("driving video",), ())
