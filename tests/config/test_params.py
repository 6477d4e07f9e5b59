"""params.yaml and models.yaml: what is accepted, which value counts, and what the refusals say."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from facedance.config.params import load, validate
from facedance.config.reading import FILES, read_parameters
from facedance.config.reference import DOCUMENT, SCHEMA, document, json_schema
from facedance.config.render_settings import RenderSettings
from facedance.config.sections import Train

ROOT = Path(__file__).parents[2]


@pytest.fixture
def values():
    return read_parameters(ROOT)


def changed(values, path, value):
    out = copy.deepcopy(values)
    node = out
    *parents, last = path.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    return out


def test_shipped_parameters_are_valid(values):
    params = validate(values)
    assert params.wan.model_dump() == params.models["tiny"].model_dump(exclude={"prompts", "train", "render"})
    assert params.wan.clip_size((128, 128)) == (256, 256)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("faces.min_photos", 1, ["faces.min_photos", "greater than or equal to 3", "given: 1"]),
        ("faces.min_fotos", 3, ["unknown key faces.min_fotos", "min_photos"]),
        ("faces.aggregation", "max", ["faces.aggregation", "'mean', 'weighted_mean' or 'median'", "'max'"]),
        ("model", "wan3", ["model", "'wan3'", "tiny"]),
        ("models.tiny.frames", 50, ["models.tiny.frames", "50", "49", "53"]),
        ("models.tiny.speed", 2, ["unknown key models.tiny.speed", "clip_scale"]),
        ("identities.eileen.consent", "", ["identities.eileen.consent"]),
        ("identities.eileen", {}, ["identities.eileen.consent is missing"]),
        ("identities", {"../etc": {"consent": "public-domain"}}, ["'../etc' cannot be the name of a folder"]),
        ("render.blends.half.weights", {"eileen": 1, "bob": 1}, ["render.blends.half", "'bob'", "eileen, nora"]),
        ("render.blends.half.weights", {"eileen": 1, "nora": 0}, ["render.blends.half.weights.nora", "greater than 0"]),
        (
            "render.blends.morph.t",
            1.5,
            ["render.blends.morph.t: Input should be less than or equal to 1 or Input should be 'moving'"],
        ),
        ("render.loras", {"x": {"file": "x.ckpt", "scale": 1}}, ["render.loras.x.file", "safetensors", "'x.ckpt'"]),
        ("render.loras", {"x": {"file": "x.safetensors", "repo": "a/b", "scale": 1}}, ["render.loras.x", "repo and revision"]),
        ("render.speed.attention", "fast", ["render.speed.attention", "'native'", "'fast'"]),
        ("identities.eileen.consent", True, ["identities.eileen.consent", "given: True", "in quotes"]),
        ("identities.Ann Müller", {"consent": "agreed"}, ["'Ann Müller' cannot be the name of a folder", "as in 'Ann-Muller'"]),
        ("identities.Аня", {"consent": "agreed"}, ["'Аня' cannot be the name of a folder", "letters a to z"]),
        ("train.learning_rate", None, ["train.learning_rate: null is no value; leave the line out"]),
        ("train.learning_rate", float("inf"), ["train.learning_rate", "finite"]),
        ("train.flow_shift", 3.0, ["unknown key train.flow_shift (did you mean noise_shift?)"]),
        ("model_defaults", {}, ["unknown key model_defaults"]),
        ("models.tiny.train.lora_rnak", 1, ["models.yaml or params.yaml: unknown key models.tiny.train.lora_rnak", "lora_rank"]),
        ("models.tiny.render.steps", 0, ["models.tiny.render.steps", "given: 0"]),
        ("render.batches", [], ["render.batches: give at least 1"]),
        ("render.batches.0.who", [False], ["render.batches.0.who.0", "given: False", "in quotes"]),
        ("render.batches.0.sweep", {"seed": [1.5]}, ["seed", "given: 1.5"]),
        ("render.batches.0.sweep", {"prompt": ["sing"]}, ["'sing'", "dance"]),
        ("render.batches.0.who", ["zoe"], ["render.batches.0.who", "'zoe'", "morph"]),
        ("render.batches.0.variants", ["speed~2"], ["speed", "face_scale"]),
        ("render.batches.0.variants", ["prompt~sing"], ["'sing'", "dance"]),
        ("render.batches.0.variants", ["negative_prompt~mist"], ["'mist'", "negative"]),
        ("render.settings.prompt", "sing", ["render.settings.prompt", "'sing'", "dance"]),
        ("render.settings.face_guidance", -1, ["render.settings.face_guidance", "greater than or equal to 0", "given: -1"]),
        ("render.batches.0.variants", ["guidance_scale~1_face_guidance~2"], ["face_guidance 2", "guidance_scale above 1"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(values, path, value, words):
    values = changed(values, path, value)
    with pytest.raises(ValueError, match=r"params\.yaml") as error:
        validate(values)
    for word in words:
        assert word in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_several_mistakes_are_all_named(values):
    values = changed(changed(values, "faces.min_photos", 0), "train.batch_size", 0)
    with pytest.raises(ValueError, match=r"faces\.min_photos") as error:
        validate(values)
    assert "train.batch_size" in str(error.value)


def test_schema_file_agrees_with_the_models():
    assert (ROOT / SCHEMA).read_text() == json_schema(), "run `make schema`"
    assert (ROOT / DOCUMENT).read_text() == document(), "run `make schema`"


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


def test_equal_values_of_a_sweep_are_one_variant(values):
    sweep = {"face_scale": [1, 1.0, "1.00", 0.5], "reference": [False, "no", 0]}
    batch = {"who": ["eileen"], "videos": ["*"], "sweep": sweep}
    batch = validate(changed(values, "render.batches", [batch])).render.batches[0]
    assert batch.all_variants() == ("default", "face_scale~1_reference~false", "face_scale~0.5_reference~false")


@pytest.mark.parametrize("model", ["tiny", "wan2.1-vace-1.3b", "wan2.1-vace-14b"])
def test_a_value_given_wins_over_the_models_and_that_over_the_default(values, model):
    own, params = values["models"][model], validate(values | {"model": model})
    for section, wanted, default in (
        (params.train, own["train"], Train()),
        (params.render.settings, own["render"], RenderSettings()),
    ):
        given = type(section).model_validate(wanted)
        assert {name: getattr(section, name) for name in wanted} == {name: getattr(given, name) for name in wanted}
        rest = set(type(section).model_fields) - set(wanted)
        assert {name: getattr(section, name) for name in rest} == {name: getattr(default, name) for name in rest}
    for path, value in (
        ("train.learning_rate", 0.5),
        ("train.face_rank", 8),
        ("train.phases", [{"steps": 1, "trains": ["lora"]}]),
    ):
        changed_values = changed(values | {"model": model}, path, value)
        assert validate(changed_values).train == Train.model_validate(params.train.model_dump() | {path.split(".")[1]: value})
    assert validate(changed(values | {"model": model}, "render.settings.steps", 3)).render.settings.steps == 3


def test_params_yaml_may_change_a_model_and_add_one(tmp_path):
    write(tmp_path, models={"tiny": {"frames": 9, "train": {"batch_size": 7}}, "own": {"folder": "weights", **SIZES}})
    params = load(tmp_path / "params.yaml")
    shipped = load(ROOT / "params.yaml")
    assert params.wan == shipped.wan.model_copy(update={"frames": 9})
    assert params.train == shipped.train.model_copy(update={"batch_size": shipped.train.batch_size})
    own = load(tmp_path / "params.yaml", {"model": "own"})
    assert own.wan.folder == "weights"
    assert own.train.phases == Train().phases
    assert own.render.settings.guidance_scale == RenderSettings().guidance_scale
    assert load(tmp_path / "params.yaml", {"train": {"lora_rank": 3}}).train == params.train.model_copy(update={"lora_rank": 3})


def test_a_section_without_lines_has_its_defaults(values):
    assert validate(values | {"poses": None}).poses == validate(values | {"poses": {}}).poses


def test_params_yaml_has_no_null_and_a_value_in_each_section_that_dvc_tracks():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert "null" not in json.dumps(values)
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        for name in stage["params"]:
            if isinstance(name, str):
                node = values
                for key in name.split("."):
                    node = node[key]


def test_the_schema_accepts_the_shipped_parameters():
    schema = json.loads(json_schema())
    for file in FILES[1:]:
        jsonschema.validate(yaml.safe_load((ROOT / file).read_text()), schema)
    jsonschema.validate(read_parameters(ROOT), schema)


SIZES = {
    "sizes": [[64, 64]], "frames": 5, "fps": 16, "clip_scale": 1, "drawing_side": 128,
    "dtype": "float32",
}  # fmt: skip


def write(folder, **changes):
    """params.yaml and models.yaml as shipped, with `changes` in params.yaml."""
    (folder / "models.yaml").write_text((ROOT / "models.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(yaml.safe_load((ROOT / "params.yaml").read_text()) | changes))
