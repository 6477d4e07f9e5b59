"""The report: what it embeds, what it copies, and that no name can break out of it."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from facedance.config.params import Params, load
from facedance.files import read_json, write_json
from facedance.report.build import ReportFiles, build_report, fill_page, loss_curve
from facedance.video.writing import write_video

ROOT = Path(__file__).parents[2]
NASTY = "</script><script>document.title='broken'</script>\"'&\u2028.jpg"
CLIPS = ("gBR_sBM_c01_d04_mBR0_ch01_000", "gLO_sBM_c01_d13_mLO0_ch02_000", "control-walk")
LONG = ("nora", CLIPS[1], "default")
VARIANTS = {"eileen": ("default", "face_scale~0"), "nora": ("default",), "morph": ("default",)}


def some_params() -> Params:
    return load(ROOT / "params.yaml", {"identities": {"eileen": {"consent": NASTY}}})


def make_results(root: Path) -> ReportFiles:
    """A small results tree."""
    rows = []
    for n, (identity, variants) in enumerate(VARIANTS.items()):
        for clip in CLIPS:
            for variant in variants:
                length = 48 if (identity, clip, variant) == LONG else 17
                _video(root / "renders" / identity / clip / f"{variant}.mp4", 60 * n + 40, length)
                face = "" if clip == "control-walk" else 0.4 + 0.1 * n
                pose = ["", "", ""] if clip == "control-walk" else [0.9, 4.5, 0.93]
                rows.append([identity, clip, variant, 1, length, 0.8, face, 0.6, 0.5, 0.97, *pose, 3.2])
    columns = [
        "identity", "clip", "variant", "dancer", "frames", "face_detected_rate", "identity_distance", "nearest_other_distance",
        "recognised_rate", "embedding_consistency", "pose_pck", "pose_error_px", "pose_detected_rate", "flicker",
    ]  # fmt: skip
    pd.DataFrame(rows, columns=columns).to_csv(root / "metrics.csv", index=False)
    _seconds(root, rows)
    for i, clip in enumerate(CLIPS):
        for kind in ("clips", "poses") if clip != "control-walk" else ("poses",):
            _video(root / kind / f"{clip}.mp4", 30 * i + 20)
    rejected = [{"clip": NASTY, "status": "rejected", "reason": "cannot be decoded"}]
    accepted = [{"clip": clip, "status": "accepted", "reason": ""} for clip in CLIPS[:2]]
    pd.DataFrame(accepted + rejected).to_csv(root / "clips.csv", index=False)
    pd.DataFrame(accepted).to_csv(root / "poses.csv", index=False)
    accuracy = [[clip, origin, 0.98, 3.1, 61.5, 17] for clip, origin in zip(CLIPS, ("mediapipe", "keypoints2d"), strict=False)]
    pd.DataFrame(accuracy, columns=["clip", "origin", "pck", "error_px", "torso_px", "frames"]).to_csv(
        root / "accuracy.csv", index=False
    )
    for name in ("eileen", "nora"):
        _person(root / "faces" / name, root / "train" / name)
    (root / "pose.task").write_bytes(b"weights")
    write_json(root / "tiny" / "manifest.json", {"files": {"vae/config.json": {"size": 3, "sha256": "ab" * 32}}})
    return ReportFiles(
        metrics=root / "metrics.csv",
        seconds=root / "seconds.csv",
        accuracy=root / "accuracy.csv",
        clips=root / "clips.csv",
        poses=[root / "poses.csv"],
        faces={name: root / "faces" / name for name in ("eileen", "nora")},
        training={name: root / "train" / name for name in ("eileen", "nora")},
        renders_folder=root / "renders",
        clips_folder=root / "clips",
        poses_folder=root / "poses",
        model=root / "tiny" / "manifest.json",
        weights=[root / "pose.task"],
        folder=root / "report",
    )


def _seconds(root: Path, rows: list[list[Any]]) -> None:
    """Tables by second; the render LONG has three of them, and two windows."""
    table = [
        {"identity": who, "clip": clip, "variant": variant, "dancer": 1, "second": second, "face_detected_rate": 1,
         "identity_distance": 0.5, "recognised_rate": 0.5, "pose_pck": 0.9, "background_shift": 2 * second,
         "clothes_hue_shift": "", "change": 3}
        for who, clip, variant, *_ in rows for second in range(3 if (who, clip, variant) == LONG else 1)
    ]  # fmt: skip
    pd.DataFrame(table).to_csv(root / "seconds.csv", index=False)
    write_json(root / "renders" / Path(*LONG[:2]) / f"{LONG[2]}.json", {"seams": [17]})


def _video(path: Path, shade: int, length: int = 17) -> None:
    frames = np.full((length, 64, 64, 3), shade, np.uint8)
    for i, frame in enumerate(frames):
        frame[20:40, 2 * i % 48 : 2 * i % 48 + 16] = (255, 180, 60)
    write_video(path, frames, 16)


def _person(faces: Path, train: Path) -> None:
    faces.mkdir(parents=True)
    train.mkdir(parents=True)
    Image.new("RGB", (64, 64), "white").save(faces / "reference.png")
    Image.new("RGB", (256, 64), "tan").save(faces / "crops.png")
    measured = {
        "face_px": 180.0,
        "sharpness": 90.0,
        "score": 2.0,
        "yaw": 3.0,
        "pitch": 0.0,
        "roll": 1.0,
        "distance": 0.3,
        "weight": 0.5,
    }
    photos = [{"photo": "a b.jpg", "status": "accepted", "reason": "", **measured}]
    photos += [{"photo": NASTY, "status": "rejected", "reason": "no face found"}]
    pd.DataFrame(photos).to_csv(faces / "photos.csv", index=False)
    steps = np.arange(1, 81)
    curve = {
        "step": steps,
        "phase": 0,
        "kind": "clip",
        "loss": 1 / steps**0.5,
        "face_loss": np.where(steps % 2, 1.2 / steps**0.5, np.nan),
    }
    pd.DataFrame(curve).to_csv(train / "metrics.csv", index=False)
    looks = [] if train.name == "nora" else [(40, 1, 1.0, 0.5, 0.9, 0.061, 0), (80, 1, 0.0, "", 0.91, "", 1)]
    judged = ["face_detected_rate", "identity_distance", "pose_pck", "landmark_distance"]
    pd.DataFrame(looks, columns=["step", "phase", *judged, "adapter"]).to_csv(train / "validation.csv", index=False)
    (train / "adapter.safetensors").write_bytes(b"adapter")


def embedded(page: str) -> dict[str, Any]:
    """The data as a browser reads it: up to the first thing that ends the script element."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script', page, re.DOTALL | re.IGNORECASE)
    assert found
    value: dict[str, Any] = json.loads(found[1])
    return value


@pytest.fixture
def results(tmp_path: Path) -> ReportFiles:
    return make_results(tmp_path)


def test_page_holds_every_render_with_its_media_beside_it(results: ReportFiles) -> None:
    build_report(some_params(), results)
    folder = results.folder
    data = embedded((folder / "index.html").read_text())
    assert [(r["identity"], r["clip"], r["variant"]) for r in data["renders"]] == [
        (identity, clip, variant) for identity, variants in VARIANTS.items() for clip in CLIPS for variant in variants
    ]
    shown = [r["video"] for r in data["renders"]] + [
        c[kind] for c in data["clips"].values() for kind in ("source", "control") if c[kind]
    ]
    shown += [data["people"][name][picture] for name in ("eileen", "nora") for picture in ("reference", "crops")]
    assert all((folder / address).is_file() for address in shown)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {*shown, "index.html"}
    render = results.renders_folder / "eileen" / CLIPS[0] / "face_scale~0.mp4"
    assert (folder / "media/renders/eileen" / CLIPS[0] / "face_scale~0.mp4").read_bytes() == render.read_bytes()


def test_control_videos_have_no_driving_clip_and_unmeasured_values_are_null(results: ReportFiles) -> None:
    build_report(some_params(), results)
    data = embedded((results.folder / "index.html").read_text())
    assert data["clips"]["control-walk"]["source"] is None
    unmeasured = next(r for r in data["renders"] if r["clip"] == "control-walk")
    assert unmeasured["pose_pck"] is None
    assert unmeasured["identity_distance"] is None
    assert unmeasured["flicker"] == 3.2


def test_long_render_brings_its_scores_by_second_and_its_seams(results: ReportFiles) -> None:
    build_report(some_params(), results)
    data = embedded((results.folder / "index.html").read_text())
    long = next(r for r in data["renders"] if (r["identity"], r["clip"], r["variant"]) == LONG)
    assert long["seams"] == [17]
    assert [second["background_shift"] for second in long["seconds"]] == [0, 2, 4]
    assert {len(r["seconds"]) for r in data["renders"] if r is not long} == {1}
    assert not any(r["seams"] for r in data["renders"] if r is not long)


def test_a_render_that_was_chosen_tells_what_was_said_of_each_seed(results: ReportFiles) -> None:
    tried = [{"seed": seed, "identity_distance": 0.5 - 0.1 * seed, "landmark_distance": None} for seed in (0, 1)]
    choice = {"kept": 1, "judge": "dlib", "tried": tried}
    write_json(results.renders_folder / Path(*LONG[:2]) / f"{LONG[2]}.json", {"seams": [17], "seeds": choice})
    build_report(some_params(), results)
    renders = embedded((results.folder / "index.html").read_text())["renders"]
    assert [r["choice"] for r in renders if r["choice"]] == [choice]


def test_a_cast_says_who_is_who_and_shows_all_who_are_in_it(results: ReportFiles) -> None:
    cast = "1~eileen_2~half_3~nobody"
    (results.renders_folder / "eileen").rename(results.renders_folder / cast)
    for table in (results.metrics, results.seconds):
        table.write_text(table.read_text().replace("eileen,", f"{cast},"))
    build_report(some_params(), results)
    data = embedded((results.folder / "index.html").read_text())
    assert data["people"][cast] == {
        "members": ["eileen", "nora"],
        "made_of": "dancer 1: eileen, dancer 2: half, dancer 3: not shown",
    }
    assert {r["identity"] for r in data["renders"]} == {cast, "nora", "morph"}
    assert {r["who"] for r in data["renders"]} == {"eileen as dancer 1", "nora", "morph"}


def test_each_of_several_dancers_has_scores_of_their_own(results: ReportFiles) -> None:
    for path in (results.metrics, results.seconds):
        table = pd.read_csv(path)
        nora = (table["identity"] == LONG[0]) & (table["clip"] == LONG[1])
        second = table[nora].assign(dancer=2, recognised_rate=0.25)
        pd.concat([table, second]).to_csv(path, index=False)
    build_report(some_params(), results)
    rows = [r for r in embedded((results.folder / "index.html").read_text())["renders"] if r["clip"] == LONG[1]]
    of_nora = [r for r in rows if r["identity"] == LONG[0]]
    assert [(r["who"], r["recognised_rate"]) for r in of_nora] == [("nora as dancer 1", 0.5), ("nora as dancer 2", 0.25)]
    assert len({r["video"] for r in of_nora}) == 1
    assert [[second["recognised_rate"] for second in r["seconds"]] for r in of_nora] == [[0.5] * 3, [0.25] * 3]
    assert {r["who"] for r in rows} - {r["who"] for r in of_nora} == {"eileen", "morph"}


def test_clip_is_shown_in_its_own_size(results: ReportFiles) -> None:
    clips = pd.read_csv(results.clips)
    clips.loc[0, ["width", "height"]] = 96, 160
    clips.astype({"width": "Int64", "height": "Int64"}).to_csv(results.clips, index=False)
    build_report(some_params(), results)
    data = embedded((results.folder / "index.html").read_text())
    assert [clip["size"] for _, clip in sorted(data["clips"].items())] == [None, [96, 160], None]


def test_names_cannot_become_markup(results: ReportFiles) -> None:
    build_report(some_params(), results)
    page = (results.folder / "index.html").read_text()
    assert "<script>document" not in page
    data = embedded(page)
    assert data["people"]["eileen"]["consent"] == NASTY
    assert data["people"]["eileen"]["photos"][1]["photo"] == NASTY
    assert data["rejected"] == [{"file": "", "clip": NASTY, "stage": "clips", "reason": "cannot be decoded"}]


def test_data_that_looks_like_a_placeholder_stays_data() -> None:
    assert embedded(fill_page({"name": "/*script*/ /*style*/"})) == {"name": "/*script*/ /*style*/"}


def test_page_needs_nothing_from_elsewhere(results: ReportFiles) -> None:
    build_report(some_params(), results)
    page = (results.folder / "index.html").read_text()
    outside_the_data = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^\"' ]+", outside_the_data)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(script|link|iframe)[^>]+(src|href)=", page)
    assert "@import" not in page
    assert str(results.folder) not in page


def test_equal_results_give_equal_bytes(results: ReportFiles) -> None:
    build_report(some_params(), results)
    first = (results.folder / "index.html").read_bytes()
    build_report(some_params(), results)
    assert (results.folder / "index.html").read_bytes() == first


def test_media_of_removed_renders_vanish(results: ReportFiles) -> None:
    build_report(some_params(), results)
    rows = pd.read_csv(results.metrics)
    rows[rows["identity"] == "eileen"].to_csv(results.metrics, index=False)
    build_report(some_params(), results)
    assert [p.name for p in (results.folder / "media" / "renders").iterdir()] == ["eileen"]


def test_weights_and_versions_are_named(results: ReportFiles) -> None:
    build_report(some_params(), results)
    data = embedded((results.folder / "index.html").read_text())
    by_file = {w["file"].rsplit("/", 2)[-1]: w for w in data["weights"]}
    assert by_file["config.json"]["sha256"] == read_json(results.model)["files"]["vae/config.json"]["sha256"]
    assert by_file["pose.task"]["size"] == len(b"weights")
    assert {"numpy", "torch", "facedance", "Python"} <= {v["package"] for v in data["versions"]}
    assert yaml.safe_load(data["parameters"])["model"] == some_params().model


def test_loss_curve_of_a_long_training_is_thinned_by_means(tmp_path: Path) -> None:
    steps = np.arange(1, 3001)
    pd.DataFrame({"step": steps, "loss": steps % 2, "face_loss": np.nan}).to_csv(tmp_path / "metrics.csv", index=False)
    curve = loss_curve(tmp_path / "metrics.csv")
    assert len(curve) == 300
    assert curve[-1] == (3000, 0.5, None)


def test_short_training_is_shown_step_by_step(tmp_path: Path) -> None:
    pd.DataFrame({"step": [1, 2], "loss": [3.0, 2.0], "face_loss": [1.0, None]}).to_csv(tmp_path / "metrics.csv", index=False)
    assert loss_curve(tmp_path / "metrics.csv") == [(1, 3.0, 1.0), (2, 2.0, None)]


def test_the_looks_of_a_training_are_on_the_page(results: ReportFiles) -> None:
    build_report(some_params(), results)
    likeness = embedded((results.folder / "index.html").read_text())["likeness"]
    assert likeness["nora"] == []
    assert [(look["step"], look["adapter"]) for look in likeness["eileen"]] == [(40, 0), (80, 1)]
    assert [look["landmark_distance"] for look in likeness["eileen"]] == [0.061, None]


CHECK = """<script>addEventListener("load", () => setTimeout(() => {
  const text = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
  const heading = [...document.querySelectorAll("#scores th")].find((head) => head.textContent === "Distance to target");
  heading.firstChild.click();
  const column = [...heading.parentNode.children].indexOf(heading) + 1;
  const down = text(`#scores td:nth-child(${column})`);
  heading.firstChild.click();
  const up = text(`#scores td:nth-child(${column})`);
  document.querySelector("#forward").click();
  document.querySelector("#forward").click();
  const times = [...document.querySelectorAll(".card:first-child video")].map((video) => video.currentTime);
  const strip = document.querySelector(".timeline svg");
  const { left, width } = strip.getBoundingClientRect();
  strip.dispatchEvent(new MouseEvent("click", { clientX: left + 0.76 * width }));
  const line = { at: text("#time"), names: text(".timeline .lanes > span:not([class])"), values: text(".timeline .number"),
    marks: [...strip.querySelectorAll(".seam, .cursor")].map((mark) => mark.getAttribute("x1")) };
  const select = document.querySelector("[name=identity]");
  select.value = "eileen";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  const found = { charts: text("#training h3"), adapters: text("#training td:last-child"),
    title: document.title, down, up, times, line, scrubber: document.querySelector("#scrubber").max,
    cards: text(".card h3"),
    photos: text("#photos td:first-child"), rejected: text("#rejected td:first-child") };
  const shown = Object.assign(document.createElement("pre"), { id: "found", textContent: JSON.stringify(found) });
  document.body.replaceChildren(shown);
}, 3000));</script>"""


@pytest.mark.workflow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_page_works_in_a_browser_from_a_file(results: ReportFiles, tmp_path: Path) -> None:
    build_report(some_params(), results)
    page = results.folder / "index.html"
    page.write_text(page.read_text().replace("</body>", CHECK + "</body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
               "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000",
               "--dump-dom", page.as_uri()]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    shown = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert shown, dom[-2000:]
    found = json.loads(shown[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["title"] == "facedance report"
    assert found["charts"] == ["eileen", "eileen", "nora"], "losses, and likeness where there was more than one look"
    assert found["adapters"] == ["", "from here"]
    assert found["down"][:2] == ["0.600", "0.600"]
    assert found["up"][0] == "0.400"
    assert found["down"][-1] == found["up"][-1] == "–"
    assert len(found["times"]) == 4
    assert [round(time * 16, 1) for time in found["times"]] == [2.5] * 4
    assert found["line"]["at"] == ["frame 37 of 48, 2.25 s"]
    assert dict(zip(found["line"]["names"], found["line"]["values"], strict=True)) == {
        "Recognised": "50 %", "Distance": "0.500", "PCK@0.2": "0.900", "Background": "4.0", "Clothes, °": "–", "Change": "3.0",
    }  # fmt: skip
    assert found["line"]["marks"] == ["17", "36.5"]
    assert found["scrubber"] == "16", "no long one of eileen is shown"
    assert found["cards"] == ["eileen"] * len(CLIPS)
    assert NASTY in found["photos"]
    assert found["rejected"] == [NASTY]


@pytest.mark.workflow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_page_without_its_media_says_where_they_are(results: ReportFiles, tmp_path: Path) -> None:
    """As Snakemake's report shows it."""
    build_report(some_params(), results)
    page = base64.b64encode((results.folder / "index.html").read_bytes()).decode()
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
               "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000",
               "--dump-dom", f"data:text/html;base64,{page}"]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert re.search(r'<html[^>]*class="alone"', dom), dom[:500]
    assert re.search(r'<p class="notice">[^<]*results/report/index.html', dom)
    assert dom.count("<svg") == 4, "the curves of two trainings and of one's looks, and the time line of the long render"
