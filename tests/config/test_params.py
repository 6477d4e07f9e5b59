"""params.yaml: what is accepted, and what the refusals say."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from facedance.config.params import json_schema, validate

ROOT = Path(__file__).parents[2]


@pytest.fixture
def values():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def changed(values, path, value):
    out = copy.deepcopy(values)
    node = out
    *parents, last = path.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    node[last] = value
    return out


def test_shipped_parameters_are_valid(values):
    params = validate(values)
    assert params.wan == params.models["tiny"]
    assert params.wan.clip_size == (256, 256)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("faces.min_photos", 1, ["faces.min_photos", "greater than or equal to 3", "given: 1"]),
        ("faces.min_fotos", 3, ["unknown key faces.min_fotos", "min_photos"]),
        ("faces.aggregation", "max", ["faces.aggregation", "'mean', 'weighted_mean' or 'median'", "'max'"]),
        ("faces.backend", "insightface", ["train.identity_weight 4", "not insightface", "faces.backend to dlib"]),
        ("model", "wan3", ["model", "'wan3'", "tiny"]),
        ("models.tiny.frames", 50, ["models.tiny.frames", "50", "49", "53"]),
        ("models.tiny.speed", 2, ["unknown key models.tiny.speed", "flow_shift"]),
        ("identities.eileen.consent", "", ["identities.eileen.consent"]),
        ("identities.eileen", {}, ["identities.eileen.consent is missing"]),
        ("identities.../etc", {"consent": "public-domain"}, ["identities"]),
        ("render.blends.half.weights", {"eileen": 1, "bob": 1}, ["render.blends.half", "'bob'", "eileen, nora"]),
        ("render.blends.half.weights", {"eileen": 1, "nora": 0}, ["render.blends.half.weights.nora", "greater than 0"]),
        ("render.blends.morph.t", 1.5, ["render.blends.morph.t"]),
        ("render.loras", {"x": {"file": "x.ckpt", "scale": 1}}, ["render.loras.x.file", "safetensors", "'x.ckpt'"]),
        ("render.loras", {"x": {"file": "x.safetensors", "repo": "a/b", "scale": 1}}, ["render.loras.x", "repo and revision"]),
        ("render.speed.attention", "fast", ["render.speed.attention", "'native'", "'fast'"]),
        ("render.batches.0.who", ["zoe"], ["render.batches.0.who", "'zoe'", "morph"]),
        ("render.batches.0.variants", ["speed~2"], ["speed", "face_scale"]),
        ("render.batches.0.variants", ["prompt~sing"], ["'sing'", "dance"]),
        ("render.settings.prompt", "sing", ["render.settings.prompt", "'sing'", "dance"]),
        ("render.settings.face_guidance", -1, ["render.settings.face_guidance", "greater than or equal to 0", "given: -1"]),
        ("render.batches.0.variants", ["guidance_scale~1_face_guidance~2"], ["face_guidance 2", "guidance_scale above 1"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(values, path, value, words):
    if ".." in path:
        values["identities"]["../etc"] = value
    else:
        values = changed(values, path, value)
    with pytest.raises(ValueError, match=r"params\.yaml") as error:
        validate(values)
    for word in words:
        assert word in str(error.value)


def test_several_mistakes_are_all_named(values):
    values = changed(changed(values, "faces.min_photos", 0), "train.batch_size", 0)
    with pytest.raises(ValueError, match=r"faces\.min_photos") as error:
        validate(values)
    assert "train.batch_size" in str(error.value)


def test_schema_file_agrees_with_the_models():
    assert (ROOT / "params.schema.json").read_text() == json_schema(), "run `make schema`"


def test_sweep_is_a_product_beside_the_listed_variants(values):
    batch = {"who": ["eileen"], "videos": ["*"], "variants": ["default"], "sweep": {"seed": [1, 2], "face_scale": [0, 1.5]}}
    batch = validate(changed(values, "render.batches", [batch])).render.batches[0]
    assert batch.all_variants() == (
        "default",
        "face_scale~0_seed~1",
        "face_scale~1.5_seed~1",
        "face_scale~0_seed~2",
        "face_scale~1.5_seed~2",
    )


def test_null_stands_for_what_the_chosen_model_wants(values):
    for model in ("tiny", "wan2.1-vace-1.3b"):
        own = values["model_defaults"][model]
        params = validate(values | {"model": model})
        assert params.train.learning_rate == own["train"]["learning_rate"]
        assert params.train.gradient_checkpointing == own["train"]["gradient_checkpointing"]
        assert params.render.settings.guidance_scale == own["render"]["guidance_scale"]
        assert params.render.settings.face_guidance is None  # null of another meaning stays
    assert validate(changed(values, "train.learning_rate", 0.5)).train.learning_rate == 0.5
    assert validate(changed(values, "render.settings.steps", 3)).render.settings.steps == 3


def test_the_schema_accepts_the_shipped_parameters(values):
    jsonschema.validate(values, json.loads(json_schema()))
