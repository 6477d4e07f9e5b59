"""Training: what it learns from, that it learns, and that a killed training ends with the same bytes."""

import dataclasses
import itertools
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from facedance import params
from facedance.faces.embedding import Embedding, save_embeddings
from facedance.files import read_json, write_json
from facedance.job import InputError
from facedance.params import Phase, Train, WanModel
from facedance.tiny.model import BLOCKS, DIM, LATENT_CHANNELS, SPATIAL_FACTOR, TEMPORAL_FACTOR, build_tiny
from facedance.video import inspect
from facedance.wan import learner
from facedance.wan.adapter import adapter_config, attach, read_adapter
from facedance.wan.dataset import REFERENCE_WEIGHT, TrainingFiles, draw_example, generator, make_example, read_dataset, step_kind
from facedance.wan.face_branch import FaceBranch
from facedance.wan.learner import Learner, learning_rate
from facedance.wan.load import load_transformer
from facedance.wan.pretrained_face import load_face_branch, save_face_branch
from facedance.wan.train import schedule, train_identity
from facedance.wan.validate import SIGMAS, heldout_losses

WAN = WanModel(
    repo=None,
    revision=None,
    width=32,
    height=48,
    frames=5,
    fps=8,
    clip_scale=2,
    drawing_side=128,
    flow_shift=3.0,
    dtype="float32",
)
BOTH, LORA = Phase(steps=7, trains=("face", "lora")), Phase(steps=4, trains=("lora",))
TRAIN = Train(
    phases=(BOTH, LORA),
    videos=("*",),
    batch_size=2,
    learning_rate=0.01,
    final_learning_rate=0.1,
    warmup_steps=2,
    weight_decay=0.01,
    max_grad_norm=1.0,
    lora_rank=2,
    lora_alpha=2,
    lora_targets=("to_q", "to_out.0"),
    face_tokens=2,
    face_rank=4,
    mapper_width=16,
    text_dropout=0.2,
    face_dropout=0.2,
    reference_dropout=0.5,
    photo_share=0.5,
    face_weight=4.0,
    flow_shift=3.0,
    ema_decay=0.5,
    gradient_checkpointing=False,
    checkpoint_every=3,
    validate_every=0,
    seed=0,
)
D, Z, CONTROL = 16, LATENT_CHANNELS, 2 * LATENT_CHANNELS + SPATIAL_FACTOR**2
LENGTH, HEIGHT, WIDTH = (WAN.frames - 1) // TEMPORAL_FACTOR + 1, WAN.height // SPATIAL_FACTOR, WAN.width // SPATIAL_FACTOR


def write_world(folder: Path) -> None:
    """A tiny model, four clips of three dances (the face of one dancer is not known) and two photos, all random."""
    rng = np.random.default_rng(0)

    def latents(channels: int, frames: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal((channels, frames, HEIGHT, WIDTH), np.float32))

    def embedding() -> Embedding:
        return Embedding.of(rng.standard_normal(D))

    build_tiny(folder / "model", seed=0)
    clips = ["a_000", "a_001", "b_000", "c_000"]
    for clip in clips:
        tensors = {"video": latents(Z, LENGTH), "control": latents(CONTROL, LENGTH), "reference": latents(Z, 1)}
        save_file(tensors, folder / f"{clip}.safetensors")
    rows = [(clip, "accepted", f"{clip}.safetensors", "") for clip in clips] + [("d_000", "rejected", "", "")]
    pd.DataFrame(rows, columns=["clip", "status", "file", "sha256"]).to_csv(folder / "clips.csv", index=False)
    boxes = [(clip, frame, 16.0, 16.0, 32.0, 40.0) for clip in clips[:3] for frame in range(1, 5)]
    pd.DataFrame(boxes, columns=["clip", "frame", "x0", "y0", "x1", "y1"]).to_parquet(folder / "boxes.parquet")
    save_embeddings(folder / "dancers.safetensors", {clip: embedding() for clip in clips[:3]}, {})
    photos = {"reference": latents(Z, 1)}
    for name in ("one.png", "two.jpg"):
        photos |= {f"{name}.video": latents(Z, 1), f"{name}.control": latents(CONTROL, 1)}
        photos |= {f"{name}.box": torch.tensor([8.0, 8.0, 20.0, 24.0]), f"{name}.seen": torch.tensor([0.0, 0.0, 24.0, 48.0])}
    save_file(photos, folder / "photos.safetensors")
    save_embeddings(folder / "embedding.safetensors", {"embedding": embedding()}, {})
    save_file(
        {name: torch.randn(512, 64, generator=generator(i)) for i, name in enumerate(["dance", "none"])}, folder / "p.safetensors"
    )
    write_json(folder / "stamp.json", {"params": {}, "code": {"train.py": "0"}})


def files_in(folder: Path) -> TrainingFiles:
    return TrainingFiles(
        prompts=folder / "p.safetensors",
        videos=["*"],
        prompt="dance",
        empty_prompt="none",
        manifests=[folder / "clips.csv"],
        latents=folder,
        boxes=[folder / "boxes.parquet"],
        dancers=[folder / "dancers.safetensors"],
        photos=folder / "photos.safetensors",
        embedding=folder / "embedding.safetensors",
    )


def run_training(world: Path, out: Path, train: Train = TRAIN) -> None:
    torch.set_num_threads(1)
    train_identity(
        "ann",
        model=world / "model",
        wan=WAN,
        train=train,
        files=files_in(world),
        state=out / "state",
        adapter=out / "adapter.safetensors",
        meta=out / "meta.json",
        metrics=out / "metrics.csv",
        validation=out / "validation",
        stamp=world / "stamp.json",
        metadata={"identity": "ann", "consent": "given"},
    )


def run_training_and_die(world: Path, out: Path, step: int) -> None:
    """Kill this process by SIGKILL in the middle of a step: after its first item, before its second."""
    original, calls = Learner.accumulate, 0

    def accumulate(self, example):
        nonlocal calls
        calls += 1
        if calls == 1 + TRAIN.batch_size * (step - 1) + 2:  # the first call looks for gradients
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, example)

    Learner.accumulate = accumulate
    run_training(world, out)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(world):
    return read_dataset(files_in(world), WAN)


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """A training that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run_training(world, folder)
    return folder


def learner_for(world: Path, train: Train, dtype: torch.dtype = torch.float32) -> Learner:
    torch.set_num_threads(1)
    transformer = load_transformer(world / "model", dtype, torch.device("cpu"))
    return Learner(transformer, attach(transformer, adapter_config(train, transformer, D), train.seed), train)


def changed(**changes) -> Train:
    return TRAIN.model_copy(update=changes)


def fixed_example(dataset, sigma: float = 0.6):
    return make_example(
        dataset.photos[0].load(),
        text=dataset.text,
        embedding=dataset.identity,
        sigma=sigma,
        with_reference=False,
        face_weight=4.0,
        random=generator(9),
    )


def test_the_last_dance_with_a_known_face_is_held_out(dataset):
    assert [clip.name for clip in dataset.clips] == ["a_000", "a_001", "c_000"]
    assert dataset.heldout.name == "b_000"
    assert [clip.embedding is None for clip in dataset.clips] == [False, False, True]
    assert [photo.name for photo in dataset.photos] == ["one.png", "two.jpg"]


def test_with_a_single_dance_nothing_is_held_out(world, tmp_path):
    table = pd.read_csv(world / "clips.csv", keep_default_na=False)
    table[table["clip"].str.startswith("a_")].to_csv(tmp_path / "clips.csv", index=False)
    dataset = read_dataset(dataclasses.replace(files_in(world), manifests=[tmp_path / "clips.csv"]), WAN)
    assert (len(dataset.clips), dataset.heldout) == (2, None)


def test_without_clips_photos_are_all(world, tmp_path):
    pd.DataFrame(columns=["clip", "status", "file", "sha256"]).to_csv(tmp_path / "clips.csv", index=False)
    dataset = read_dataset(dataclasses.replace(files_in(world), manifests=[tmp_path / "clips.csv"]), WAN)
    assert {step_kind(dataset, changed(photo_share=0.0), step) for step in range(20)} == {"photo"}


def test_only_the_videos_that_are_meant_are_learned_from(world, tmp_path):
    """One video more changes the digest of a training only if it is meant, so that it is rendered without training anew."""
    shutil.copytree(world, tmp_path / "world")
    files = dataclasses.replace(files_in(tmp_path / "world"), videos=["a", "b"])
    before = read_dataset(files, WAN)
    assert {clip.video_name for clip in before.clips} | {before.heldout.video_name} == {"a", "b"}
    table = pd.read_csv(files.manifests[0], keep_default_na=False)
    table.loc[len(table)] = ["e_000", "accepted", "a_000.safetensors", ""]
    table.to_csv(files.manifests[0], index=False)
    assert read_dataset(files, WAN).clips_digest == before.clips_digest
    assert read_dataset(dataclasses.replace(files, videos=["a", "b", "e"]), WAN).clips_digest != before.clips_digest


def test_an_example_depends_on_seed_step_and_index_alone(dataset):
    first = draw_example(dataset, TRAIN, 3, 1)
    torch.manual_seed(99)
    draw_example(dataset, TRAIN, 4, 0)
    again = draw_example(dataset, TRAIN, 3, 1)
    assert first.sigma == again.sigma
    assert torch.equal(first.latents, again.latents)
    others = [
        draw_example(dataset, TRAIN, 3, 0),
        draw_example(dataset, TRAIN, 4, 1),
        draw_example(dataset, changed(seed=1), 3, 1),
    ]
    assert len({first.sigma, *(other.sigma for other in others)}) == 4


def test_shares_and_dropouts_are_what_they_say(dataset):
    train = changed(photo_share=0.25, text_dropout=0.1, face_dropout=0.3, reference_dropout=0.6)
    kinds = [step_kind(dataset, train, step) for step in range(400)]
    assert kinds.count("photo") / 400 == pytest.approx(0.25, abs=0.06)
    examples = [draw_example(dataset, train, step, 0) for step in range(400) if kinds[step] == "photo"]
    no_text = np.mean([torch.equal(e.text[0], dataset.no_text) for e in examples])
    no_face = np.mean([e.embedding is None for e in examples])
    no_reference = np.mean([e.latents.shape[2] == 1 for e in examples])
    assert [no_text, no_face, no_reference] == pytest.approx([0.1, 0.3, 0.6], abs=0.12)
    sigmas = np.array([e.sigma for e in examples])
    assert np.median(sigmas) == pytest.approx(0.75, abs=0.06)  # 3 * 0.5 / (1 + 2 * 0.5)


def test_the_reference_is_one_frame_in_front_as_in_the_pipeline(dataset):
    item = dataset.clips[0].load()
    example = make_example(
        item, text=dataset.text, embedding=None, sigma=0.0, with_reference=True, face_weight=4.0, random=generator(0)
    )
    assert torch.equal(example.latents[0], torch.cat([item.reference, item.video], dim=1))  # no noise at sigma 0
    assert torch.equal(example.control[0, :, 1:], item.control)
    assert torch.equal(example.control[0, :Z, :1], item.reference)
    assert not example.control[0, Z:, 0].any()
    assert (example.weight[0, 0, 0] == REFERENCE_WEIGHT).all()
    assert not example.face[0, 0, 0].any()


def test_faces_weigh_more_and_padding_nothing(dataset):
    clip, photo = (
        make_example(
            source.load(),
            text=dataset.text,
            embedding=None,
            sigma=0.5,
            with_reference=False,
            face_weight=4.0,
            random=generator(0),
        )
        for source in (dataset.clips[0], dataset.photos[0])
    )
    assert (clip.weight[0, 0, 0] == 1).all()  # no box is known for frame 0
    assert clip.weight[0, 0, 1].max() == 5
    assert clip.weight[0, 0, 1, 1, 1] == 5  # box 16..32 x 16..40 of 64 x 96 pixels: latents 1..2 x 1..2.5
    assert clip.weight[0, 0, 1, 0, 0] == 1
    assert photo.weight.max() == 5
    assert (photo.weight[0, 0, 0, :, 3] == 0).all()  # seen up to pixel 24 of 32


def test_only_the_adapter_gets_gradients(world, dataset):
    model = learner_for(world, TRAIN)
    model.accumulate(fixed_example(dataset))
    reached = {n for n, p in model.transformer.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached
    assert all(".lora_B.person." in name for name in reached)  # A has none while B is zero
    assert [n for n, p in model.branch.named_parameters() if p.grad is not None and p.grad.any()] == [
        f"blocks.{i}.out_up.weight" for i in range(6)
    ]


def test_gradient_checkpointing_changes_no_gradient(world, dataset):
    gradients = []
    for checkpointing in (False, True):
        model = learner_for(world, TRAIN)
        if checkpointing:
            model.transformer.enable_gradient_checkpointing()
        model.accumulate(fixed_example(dataset))
        gradients.append([p.grad for p in model.parameters.values() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1])
    assert all(map(torch.equal, *gradients))


def test_a_bfloat16_model_trains_float32_weights(world, dataset):
    model = learner_for(world, TRAIN, torch.bfloat16)
    before = {name: p.detach().clone() for name, p in model.parameters.items()}
    for step in (1, 2):
        model.step(dataset, step, BOTH)
    assert {p.dtype for p in model.parameters.values()} == {torch.float32}
    assert {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])} == {"face", "lora"}


def test_a_phase_moves_only_what_it_trains(world, dataset):
    model = learner_for(world, TRAIN)
    before = {name: p.detach().clone() for name, p in model.parameters.items()}
    model.step(dataset, 1, Phase(steps=1, trains=("lora",)))
    moved = {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])}
    assert moved == {"lora"}
    model.step(dataset, 2, Phase(steps=1, trains=("face",)))
    moved = {name.split(".")[0] for name, p in model.parameters.items() if not torch.equal(p, before[name])}
    assert moved == {"lora", "face"}


def test_the_loss_falls_and_the_face_comes_to_matter(world, dataset):
    train = changed(
        text_dropout=0.0,
        face_dropout=0.0,
        reference_dropout=1.0,
        photo_share=1.0,
        phases=(Phase(steps=25, trains=("face", "lora")),),
    )
    alone = dataclasses.replace(dataset, photos=dataset.photos[:1])
    model = learner_for(world, train)
    example = fixed_example(dataset)
    without = dataclasses.replace(example, embedding=None)
    other = dataclasses.replace(example, embedding=-example.embedding)
    before = model.losses(example)[0]
    assert model.losses(without)[0] == before  # an untrained branch changes nothing, to the bit
    for step in range(1, 26):
        model.step(alone, step, train.phases[0])
    after = model.losses(example)[0]
    assert after < 0.9 * before
    assert model.losses(without)[0] > after
    assert model.losses(other)[0] != after


@pytest.mark.parametrize("loss", [lambda p, t, w: ((p - p.detach()) ** 2).mean(), lambda p, t, w: ((p - t) ** 2).mean().detach()])
def test_a_loss_that_cannot_be_learned_from_is_refused(world, dataset, monkeypatch, loss):
    model = learner_for(world, TRAIN)
    model.require_gradients(dataset)
    monkeypatch.setattr(learner, "flow_loss", loss)
    with pytest.raises(ValueError, match="the loss does not depend on"):
        model.require_gradients(dataset)


def test_a_part_that_learns_nothing_is_named(world, dataset):
    model = learner_for(world, TRAIN)
    model.branch.detach()
    with pytest.raises(ValueError, match="the loss does not depend on face,"):
        model.require_gradients(dataset)


def test_divergence_is_one_sentence(world, dataset):
    model = learner_for(world, changed(learning_rate=1e30, warmup_steps=0))
    model.step(dataset, 1, BOTH)
    with pytest.raises(InputError, match=r"diverged at step 2 .* lower train\.learning_rate \(1e\+30\)"):
        model.step(dataset, 2, BOTH)


def test_learning_rate_warms_up_and_ends_at_its_share():
    train = changed(learning_rate=1.0, warmup_steps=2, final_learning_rate=0.1)
    rates = [learning_rate(train, step) for step in range(1, 12)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[-1] == pytest.approx(0.1)
    assert all(a > b for a, b in itertools.pairwise(rates[1:]))


def test_schedule_counts_steps_through_the_phases():
    assert [(step, number) for step, number, _ in schedule(TRAIN)] == [(i, 1) for i in range(1, 8)] + [
        (i, 2) for i in range(8, 12)
    ]


def test_a_training_leaves_what_it_promises(whole):
    metrics = pd.read_csv(whole / "metrics.csv")
    assert metrics.columns.tolist() == ["step", "phase", "kind", "loss", "face_loss", "lr", "grad_norm", "seconds"]
    assert metrics["step"].tolist() == list(range(1, 12))
    assert set(metrics["kind"]) == {"clip", "photo"}
    adapter = load_file(whole / "adapter.safetensors")
    assert any(t.any() for n, t in adapter.items() if "lora_B" in n)
    meta = read_json(whole / "meta.json")
    assert (meta["steps"], meta["heldout_clip"], meta["clips"], meta["photos"]) == (11, "b_000", 3, 2)
    learned = {n: t for n, t in adapter.items() if n not in {"face.mean", "face.deviation"}}
    counts = {part: sum(t.numel() for n, t in learned.items() if n.startswith(part)) for part in ("face", "lora")}
    assert meta["trainable_parameters"] == counts
    assert meta["loss"]["clip"]["start"] == pytest.approx(metrics.loc[metrics["kind"] == "clip", "loss"].iloc[0])


def test_the_curves_are_those_of_the_metrics(whole):
    (folder,) = (whole / "state").glob("*/tensorboard")
    events = EventAccumulator(str(folder)).Reload()
    metrics = pd.read_csv(whole / "metrics.csv")
    for kind, rows in metrics.groupby("kind"):
        drawn = events.Scalars(f"loss/{kind}")
        assert [point.step for point in drawn] == rows["step"].tolist()
        np.testing.assert_allclose([point.value for point in drawn], rows["loss"], rtol=1e-6)


def test_a_training_starts_from_the_models_own_face_branch(world, tmp_path):
    world = shutil.copytree(world, tmp_path / "world")
    folder = world / "model" / "face_branch"
    torch.manual_seed(0)
    branch = FaceBranch(embedding_dim=D, dim=DIM, blocks=BLOCKS, tokens=3, rank=5, width=8)
    branch.mean.normal_(std=0.3)
    once = changed(phases=(Phase(steps=1, trains=("lora",)),))
    states = set()
    for deviation in (0.25, 0.5):
        branch.deviation.fill_(deviation)
        save_face_branch(branch, folder, "dlib")
        run_training(world, tmp_path, once)
        adapter = read_adapter(tmp_path / "adapter.safetensors")
        assert adapter.config.face == branch.sizes  # not the sizes in TRAIN
        assert all(torch.equal(adapter.face[n], t) for n, t in load_face_branch(folder).state_dict().items())
        states |= {path.name for path in (tmp_path / "state").iterdir()}
    assert len(states) == 2, "the branch's bytes must be part of what a training is known by"

    other = FaceBranch(embedding_dim=128, dim=DIM, blocks=BLOCKS, tokens=3, rank=5, width=8)
    save_face_branch(other, folder, "dlib")
    with pytest.raises(InputError, match=r"dlib's embeddings of 128 numbers and the person's has 16: set faces\.backend"):
        run_training(world, tmp_path, once)


def test_a_killed_training_ends_with_the_same_bytes(world, whole, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=run_training_and_die, args=(world, tmp_path, 9))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "adapter.safetensors").exists()
    (state,) = (tmp_path / "state").iterdir()
    assert sorted(p.name for p in state.glob("*.json")) == ["step_0000003.json", "step_0000006.json"]
    run_training(world, tmp_path)
    for name in ("adapter.safetensors", "meta.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()
    resumed, uninterrupted = (pd.read_csv(folder / "metrics.csv").drop(columns="seconds") for folder in (tmp_path, whole))
    pd.testing.assert_frame_equal(resumed, uninterrupted)


def test_a_finished_training_is_not_done_again_but_another_is(world, whole, tmp_path, monkeypatch):
    def step(*_):
        raise AssertionError("a step was taken")

    monkeypatch.setattr(Learner, "step", step)
    before = (whole / "adapter.safetensors").read_bytes()
    (whole / "adapter.safetensors").unlink()
    run_training(world, whole)
    assert (whole / "adapter.safetensors").read_bytes() == before
    with pytest.raises(AssertionError, match="a step was taken"):
        run_training(world, whole, changed(seed=1))


def test_the_average_is_what_is_saved(world, whole, tmp_path):
    run_training(world, tmp_path, changed(ema_decay=0.0))
    last, average = (load_file(folder / "adapter.safetensors") for folder in (tmp_path, whole))
    assert any(not torch.equal(last[name], average[name]) for name in last)
    norm = sum(t.square().sum() for n, t in last.items() if "lora_B" in n)
    assert sum(t.square().sum() for n, t in average.items() if "lora_B" in n) < norm  # the average lags behind


def test_validation_shows_the_held_out_dance_and_its_losses(world, tmp_path):
    (tmp_path / "validation").mkdir()
    (tmp_path / "validation" / "step_99.mp4").write_bytes(b"of another training")
    train = changed(phases=(Phase(steps=4, trains=("face", "lora")),), validate_every=2)
    run_training(world, tmp_path, train)
    assert sorted(path.name for path in (tmp_path / "validation").iterdir()) == ["step_2.mp4", "step_4.mp4"]
    video = inspect(tmp_path / "validation" / "step_4.mp4")
    assert (video.width, video.height, len(video.timestamps)) == (WAN.width, WAN.height, WAN.frames)
    heldout = read_json(tmp_path / "meta.json")["heldout"]
    assert [(row["step"], row["sigma"], row["face"]) for row in heldout] == [
        (step, sigma, face) for step in (2, 4) for sigma in SIGMAS for face in ("right", "wrong", "none")
    ]


def test_heldout_losses_tell_faces_apart_once_the_branch_is_trained(world, dataset):
    model = learner_for(world, TRAIN)
    losses = {row["loss"] for row in heldout_losses(model, dataset)}
    assert len(losses) == len(SIGMAS)  # untrained: the face makes no difference
    model.step(dataset, 1, BOTH)
    model.step(dataset, 2, BOTH)
    assert len({row["loss"] for row in heldout_losses(model, dataset)}) == 3 * len(SIGMAS)


def test_the_defaults_of_params_yaml_are_a_training():
    train = params.load(Path(__file__).parents[2] / "params.yaml").train
    assert learning_rate(train, sum(phase.steps for phase in train.phases)) == pytest.approx(
        train.learning_rate * train.final_learning_rate
    )
