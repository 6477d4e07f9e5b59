"""What can be told while planning: patterns that mean nothing, names that nobody has, files that are not there.

Each is one sentence that names the key, what was given, and what is near to it.
"""

import difflib
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facedance.config.cast import is_cast
from facedance.config.params import Params
from facedance.config.patterns import matches
from facedance.config.render_settings import format_variant, parse_variant
from facedance.config.sections import Clips
from facedance.names import CONTROL_PREFIX, CONTROL_SHARD, clip_id, shown, video_of_clip

_CLIP = re.compile(r"(?P<video>.+)_(?P<number>\d{3})")
_SHOWN = 5  # names in a sentence


@dataclass(frozen=True)
class Known:
    """The names that a project has: of videos, of ready-made control videos as they are rendered, and of shards.

    `sample` are the videos that params.yaml may speak of although the sample is switched off.
    """

    videos: Collection[str]
    controls: Collection[str]
    shards: Collection[str]
    sample: Collection[str] = ()


def check_patterns(params: Params, known: Known) -> None:
    """Refuse a pattern of params.yaml that no video matches.

    Raises:
        ValueError: one sentence for each such pattern.
    """
    everything = [*known.videos, *known.controls]
    lists = [
        (f"render.batches.{i}.videos", batch.videos, [*known.videos] if batch.cast else everything)
        for i, batch in enumerate(params.render.batches)
    ]
    if known.videos:  # else only photos are learned from
        lists.append(("train.videos", params.train.videos, [*known.videos]))
        own = tuple(pattern for pattern in params.clips.group if pattern not in Clips().group)
        lists.append(("clips.group", own, [*known.videos, *known.sample]))
        lists.append(("clips.stretches", (*params.clips.stretches,), [*known.videos, *known.sample]))
    wrong = [
        f"params.yaml: {key}: no video is called {pattern!r}; {_near(pattern, videos)}"
        for key, patterns, videos in lists
        for pattern in patterns
        if not any(matches(video, [pattern]) for video in videos)
    ]
    if wrong:
        raise ValueError("\n".join(wrong))


def check_inputs(params: Params, known: Known, photos: Mapping[str, Collection[str]]) -> None:
    """Refuse to start without anything to dance to, or without photos of somebody.

    Args:
        photos: those of each identity.

    Raises:
        ValueError: one sentence.
    """
    if not known.videos and not known.controls:
        raise ValueError("there are no videos: put dance videos into data/videos (mp4, mov, mkv, webm or another format)")
    for identity in params.identities:
        if not photos[identity]:
            folders = ", ".join(sorted(name for name in os.listdir("data/photos"))) if os.path.isdir("data/photos") else ""
            raise ValueError(
                f"identity {identity!r} has no photos: put 10 to 15 into data/photos/{identity}, or take it out of params.yaml "
                f"(folders there now: {shown(folders) or 'none'})"
            )


def check_files(params: Params) -> None:
    """Refuse a path of params.yaml where no file is.

    Raises:
        ValueError: one sentence for each.
    """
    paths = {f"render.loras.{name}.file": lora.file for name, lora in params.render.loras.items() if not lora.repo}
    if params.clips.ignore_list is not None:
        paths["clips.ignore_list"] = params.clips.ignore_list
    wrong = [
        f"params.yaml: {key}: there is no file {path!r}; give its path from the project's folder, or take the line out"
        for key, path in paths.items()
        if not Path(path).is_file()
    ]
    if wrong:
        raise ValueError("\n".join(wrong))


def check_names(asked: Mapping[str, str], params: Params, known: Known) -> None:
    """Refuse what nobody or nothing is called: `asked` are the names of a job by their wildcards in `facedance.layout`.

    Raises:
        ValueError: one sentence for the first of them.
    """
    people = list(params.identities)
    rendered = [*people, *params.render.blends, *params.render.casts]
    for wildcard, names, what in (
        ("identity", people, "nobody"),
        ("who", rendered, "nobody"),
        ("video", known.videos, "no video"),
        ("shard", known.shards, "no shard"),
    ):
        if wildcard in asked and asked[wildcard] not in names:
            what = "no batch has a cast that" if is_cast(asked[wildcard]) else what  # noqa: PLW2901
            raise ValueError(f"{what} is called {asked[wildcard]!r}; {_near(asked[wildcard], names)}")
    ready_made = asked.get("clip", "").startswith(CONTROL_PREFIX) or asked.get("shard") == CONTROL_SHARD
    if ready_made and is_cast(asked.get("who", "")):
        raise ValueError(f"nobody knows who is who in a ready-made control video, so there is no cast {asked['who']!r} in it")
    if "clip" in asked:
        _check_clip(asked["clip"], params.clips.max_per_video, known)
    if "variant" in asked:
        _check_variant(asked["variant"], params)


def is_known(asked: Mapping[str, str], params: Params, known: Known) -> bool:
    """Whether `check_names` has nothing against these names."""
    try:
        check_names(asked, params, known)
    except ValueError:
        return False
    return True


def _check_clip(clip: str, most: int, known: Known) -> None:
    if clip.startswith(CONTROL_PREFIX):
        if clip not in known.controls:
            raise ValueError(f"no ready-made control video is called {clip!r}; {_near(clip, known.controls)}")
        return
    match = _CLIP.fullmatch(clip)
    if match is None or video_of_clip(clip) not in known.videos:
        first = [clip_id(video, 0) for video in known.videos]
        raise ValueError(f"no clip is called {clip!r}; {_near(clip, [*first, *known.controls])}")
    if int(match["number"]) >= most:
        raise ValueError(
            f"there is no clip {clip!r}: clips.max_per_video is {most}, so the last one of this video is at most "
            f"{clip_id(match['video'], most - 1)!r}"
        )


def _check_variant(variant: str, params: Params) -> None:
    settings = params.render.settings.varied(variant)
    if unknown := {settings.prompt, settings.negative_prompt} - params.prompts.keys():
        raise ValueError(f"variant {variant!r}: no prompt is called {min(unknown)!r}; {_near(min(unknown), params.prompts)}")
    if (usual := format_variant(parse_variant(variant))) != variant:
        raise ValueError(f"variant {variant!r} is called {usual!r} here: ask for that")


def _near(given: str, known: Iterable[str]) -> str:
    """Names that may be meant, else some of those that there are."""
    names = sorted(known)
    simple = {name.lower(): name for name in names}
    word = re.sub(r"[*?\[\]]+", "", given).lower()
    close = [simple[name] for name in difflib.get_close_matches(word, list(simple), n=_SHOWN, cutoff=0.5)]
    close += [name for name in names if word and word in name.lower() and name not in close]
    return f"near to it {_are(close[:_SHOWN])}" if close else f"known {_are(names[:_SHOWN], more=len(names) - _SHOWN)}"


def _are(names: Sequence[str], more: int = 0) -> str:
    listed = ", ".join(shown(name) for name in names) or "none"
    return f"{'is' if len(names) < 2 else 'are'} {listed}" + (f" and {more} more" if more > 0 else "")
