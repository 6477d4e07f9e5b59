"""What a training learns from."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from facedance.config.captions import TrainingTexts
from facedance.faces.embedding import load_embeddings, save_embeddings
from facedance.files import digest
from facedance.train.dataset import Source, draw_example, read_dataset, step_kind
from facedance.train.example import REFERENCE_WEIGHT, generator, make_example
from tests.train.training_world import (
    SAID,
    TRAIN,
    WAN,
    D,
    Z,
    changed,
    dataset_in,
    files_in,
)

NO_FACE = torch.zeros(D)


def test_the_last_dance_with_a_known_face_is_held_out(dataset):
    assert [clip.name for clip in dataset.clips] == ["a_000", "a_001", "c_000"]
    assert dataset.heldout.name == "b_000"
    assert [clip.embedding is None for clip in dataset.clips] == [False, False, True]
    assert [photo.name for photo in dataset.photos] == ["one.png.face", "two.jpg.whole"]


def test_with_a_single_dance_nothing_is_held_out(world, tmp_path):
    table = pd.read_csv(world / "clips.csv", keep_default_na=False)
    table[table["clip"].str.startswith("a_")].to_csv(tmp_path / "clips.csv", index=False)
    dataset = read_dataset(dataclasses.replace(files_in(world), manifests=[tmp_path / "clips.csv"]), WAN, TRAIN, SAID)
    assert (len(dataset.clips), dataset.heldout) == (2, None)


def test_no_camera_of_the_dance_held_out_is_learned_from(world, tmp_path):
    performance = "gPO_sBM_{}_d11_mPO1_ch09"
    names = {
        "a_000": "gBR_sBM_c02_d04_mBR2_ch01_000",
        "a_001": f"{performance.format('c01')}_000",
        "b_000": f"{performance.format('c02')}_000",
        "c_000": f"{performance.format('c09')}_000",
    }
    shutil.copytree(world, tmp_path / "world")
    files = files_in(tmp_path / "world")
    table = pd.read_csv(files.manifests[0], keep_default_na=False)
    table.assign(clip=table["clip"].replace(names)).to_csv(files.manifests[0], index=False)
    boxes = pd.read_parquet(files.boxes[0])
    boxes.assign(clip=boxes["clip"].replace(names)).to_parquet(files.boxes[0])
    known = load_embeddings(files.dancers[0])
    save_embeddings(files.dancers[0], {names[clip]: embedding for clip, embedding in known.items()}, {})
    dataset = read_dataset(files, WAN, TRAIN, SAID)
    assert dataset.heldout.name == names["b_000"]
    assert [clip.name for clip in dataset.clips] == [names["a_000"]]
    one = read_dataset(files, WAN, changed(videos=(performance.format("c*"),)), SAID)
    assert one.heldout is None, "all that is left is one dance"
    assert len(one.clips) == 3


def test_what_is_black_in_a_clip_is_not_learned_from(world, tmp_path):
    shutil.copytree(world, tmp_path / "world")
    path = tmp_path / "world" / "a_000.safetensors"
    width, height = WAN.clip_size(WAN.sizes[0])
    save_file(load_file(path) | {"seen": torch.tensor([0.0, height / 2, width, height])}, path)
    dataset = read_dataset(files_in(tmp_path / "world"), WAN, TRAIN, SAID)
    clip = next(clip for clip in dataset.clips if clip.name == "a_000")
    seen = clip.load().seen  # (1, T', h, w)
    half = seen.shape[2] // 2
    assert not seen[:, :, :half].any()
    assert (seen[:, :, half:] == 1).all()


def test_without_clips_photos_are_all(world, tmp_path):
    pd.DataFrame(columns=["clip", "status", "width", "height", "file", "sha256"]).to_csv(tmp_path / "clips.csv", index=False)
    dataset = read_dataset(dataclasses.replace(files_in(world), manifests=[tmp_path / "clips.csv"]), WAN, TRAIN, SAID)
    assert {step_kind(dataset, changed(photo_share=0.0), step) for step in range(20)} == {"photo"}


def test_without_videos_to_learn_from_one_is_only_looked_at(world, tmp_path):
    alone = changed(videos=(), photo_share=0.0)
    dataset = dataset_in(world, alone)
    assert (dataset.clips, dataset.heldout.name) == ((), "b_000")
    assert {step_kind(dataset, alone, step) for step in range(20)} == {"photo"}
    table = pd.read_csv(world / "clips.csv", keep_default_na=False)
    table[table["clip"] == "a_000"].to_csv(tmp_path / "clips.csv", index=False)
    other = read_dataset(dataclasses.replace(files_in(world), manifests=[tmp_path / "clips.csv"]), WAN, alone, SAID)
    assert other.heldout.name == "a_000"
    assert other.digests() == dataset.digests()
    nobody = dataclasses.replace(files_in(world), dancers=[])
    looked_at = read_dataset(nobody, WAN, alone, SAID).heldout
    assert (looked_at.name, looked_at.embedding) == ("c_000", None)
    assert read_dataset(nobody, WAN, TRAIN, SAID).heldout is None


def test_a_photo_has_the_caption_of_what_it_shows(world, tmp_path):
    shutil.copytree(world, tmp_path / "world")
    files = files_in(tmp_path / "world")
    texts = load_file(files.prompts)
    save_file({**texts, "near": texts["dance"] + 1, "far": texts["dance"] + 2}, files.prompts)
    said = TrainingTexts("dance", "dance", {"face": "near", "half": "dance", "whole": "far"}, "dance")
    dataset = read_dataset(files, WAN, TRAIN, said)
    assert [float((dataset.text_of(photo) - dataset.text).mean().round()) for photo in dataset.photos] == [1, 2]
    train = changed(photo_share=1.0, text_dropout=0.0)
    seen = {float((draw_example(dataset, train, step, 0).text[0] - dataset.text).mean().round()) for step in range(12)}
    assert seen == {1, 2}
    assert dataset.digests() != dataset_in(tmp_path / "world").digests()


def test_a_training_is_known_by_the_texts_that_it_learns_with(world, tmp_path):
    shutil.copytree(world, tmp_path / "world")
    files = files_in(tmp_path / "world")
    texts = load_file(files.prompts)
    save_file({**texts, "stage": texts["dance"] + 1}, tmp_path / "prompts.safetensors")
    files = dataclasses.replace(files, prompts=tmp_path / "prompts.safetensors")
    other = dataclasses.replace(SAID, clips="stage", dance="stage")
    alone = changed(videos=())
    looked_at = read_dataset(files, WAN, alone, other)
    assert torch.equal(looked_at.preview_text, texts["dance"] + 1)
    assert looked_at.digests() == dataset_in(world, alone).digests()
    assert read_dataset(files, WAN, TRAIN, other).digests() != dataset_in(world).digests()


def test_a_training_is_known_by_the_videos_that_it_learns_from(world, tmp_path):
    """One video more changes the digests of a training only if it is meant, and other patterns only if others match."""
    shutil.copytree(world, tmp_path / "world")
    two = changed(videos=("a", "b"))
    before = dataset_in(tmp_path / "world", two)
    assert {clip.dance for clip in before.clips} | {before.heldout.dance} == {"a", "b"}
    (manifest,) = files_in(tmp_path / "world").manifests
    table = pd.read_csv(manifest, keep_default_na=False)
    table.loc[len(table)] = ["e_000", "accepted", 64, 96, "a_000.safetensors", ""]
    table.to_csv(manifest, index=False)
    assert dataset_in(tmp_path / "world", changed(videos=("[ab]",))).digests() == before.digests()
    assert dataset_in(tmp_path / "world", changed(videos=("a", "b", "e"))).digests() != before.digests()


def test_a_short_clip_has_the_boxes_of_its_own_frames(tmp_path):
    """9 frames where the model has 17: 3 latent frames instead of 5."""
    boxes = np.full((17, 4), np.nan, np.float32)
    boxes[5:9] = [0, 0, 32, 32]
    loaded = []
    for name, length in (("whole", 5), ("short", 3)):
        path = tmp_path / f"{name}.safetensors"
        save_file({"video": torch.zeros(Z, length, 8, 8), "control": torch.zeros(4, length, 8, 8)}, path)
        loaded.append(Source(name, "clip", path, "", boxes, (64, 64), None).load())
    whole, short = loaded
    assert [item.face.shape[1] for item in loaded] == [5, 3]
    assert torch.equal(short.face, whole.face[:, :3])
    assert short.face[0, :, 0, 0].tolist() == [0, 0, 1]
    settings = {"text": torch.zeros(1), "embedding": torch.zeros(4), "sigma": 0.5, "with_reference": False, "face_weight": 1.0}
    assert make_example(short, **settings, random=generator(0)).latents.shape[2] == 3


def test_which_clip_is_held_out_and_which_text_is_used_are_part_of_the_data(dataset):
    others = [
        dataclasses.replace(dataset, clips=(*dataset.clips, dataset.heldout), heldout=None),
        dataclasses.replace(dataset, text=dataset.no_text),
        dataclasses.replace(dataset, text=dataset.no_text, no_text=dataset.text),
    ]
    assert len({digest(each.digests()) for each in (dataset, *others)}) == 4


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
    assert len({example.sigma.item() for example in (first, *others)}) == 4


def test_shares_and_dropouts_are_what_they_say(dataset):
    train = changed(photo_share=0.25, text_dropout=0.1, face_dropout=0.3, reference_dropout=0.6)
    kinds = [step_kind(dataset, train, step) for step in range(400)]
    assert kinds.count("photo") / 400 == pytest.approx(0.25, abs=0.06)
    examples = [draw_example(dataset, train, step, 0) for step in range(400) if kinds[step] == "photo"]
    no_text = np.mean([torch.equal(e.text[0], dataset.no_text) for e in examples])
    no_face = np.mean([not e.embedding.any() for e in examples])
    no_reference = np.mean([e.latents.shape[2] == 1 for e in examples])
    assert [no_text, no_face, no_reference] == pytest.approx([0.1, 0.3, 0.6], abs=0.12)
    sigmas = np.array([e.sigma.item() for e in examples])
    assert np.median(sigmas) == pytest.approx(0.75, abs=0.06)  # 3 * 0.5 / (1 + 2 * 0.5)


def test_the_reference_is_one_frame_in_front_as_in_the_pipeline(dataset):
    item = dataset.clips[0].load()
    example = make_example(
        item, text=dataset.text, embedding=NO_FACE, sigma=0.0, with_reference=True, face_weight=4.0, random=generator(0)
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
            embedding=NO_FACE,
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


def test_a_long_clip_is_learned_from_window_by_window(world, tmp_path):
    shutil.copytree(world, tmp_path / "world")
    files = files_in(tmp_path / "world")
    path = files.latents / "a_000.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "video.1": tensors["video"] + 1, "control.1": tensors["control"].clone()}, path)
    boxes = pd.read_parquet(files.boxes[0])
    last = {"clip": "a_000", "frame": 2 * WAN.frames - 1, "x0": 1.0, "y0": 2.0, "x1": 3.0, "y1": 4.0}
    beyond = {**last, "frame": 5 * WAN.frames}
    pd.concat([boxes, pd.DataFrame([last, beyond])]).astype(boxes.dtypes).to_parquet(files.boxes[0])
    first, second = (clip for clip in dataset_in(tmp_path / "world").clips if clip.name == "a_000")
    assert torch.equal(second.load().video, first.load().video + 1)
    assert second.boxes[-1].tolist() == [1, 2, 3, 4]
    assert first.digest != second.digest


def test_of_two_faces_in_a_frame_none_counts(world, tmp_path):
    shutil.copytree(world, tmp_path / "world")
    path = tmp_path / "world/boxes.parquet"
    boxes = pd.read_parquet(path)
    second = boxes[(boxes["clip"] == "a_000") & (boxes["frame"] == 2)].assign(x0=40.0, x1=50.0)
    pd.concat([boxes, second]).to_parquet(path)
    (clip,) = (clip for clip in dataset_in(tmp_path / "world").clips if clip.name == "a_000")
    assert np.isnan(clip.boxes[2]).all()
    assert clip.boxes[3].tolist() == [16, 16, 32, 40]
