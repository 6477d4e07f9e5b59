"""Which renders the batches of params.yaml ask for."""

from collections.abc import Iterable, Iterator, Mapping

from facedance.config.cast import is_among
from facedance.config.patterns import matches
from facedance.config.rendering import Batch
from facedance.names import CONTROL_PREFIX, video_of_clip


def asked_for(who: str, videos: Iterable[str], batches: Iterable[Batch]) -> bool:
    """Whether any batch renders `who` (a person, blend or cast) in one of these videos."""
    videos = list(videos)
    return any(_asks_for(batch, who, video) for batch in batches for video in videos)


def renders_of(who: str, clips: Iterable[str], batches: Iterable[Batch]) -> Iterator[tuple[str, str]]:
    """Pairs (clip, variant) to render for `who`, each once, in the order of the clips."""
    batches = list(batches)
    for clip in clips:
        video = video_of_clip(clip)
        variants = (v for batch in batches if _asks_for(batch, who, video) for v in batch.all_variants())
        for variant in dict.fromkeys(variants):
            yield clip, variant


def without_anybody(dancers: Mapping[str, int], rendered: Iterable[str], batches: Iterable[Batch]) -> dict[str, list[str]]:
    """Of each of `rendered` the clips, of so many dancers each, that are asked for and in which nobody becomes somebody."""
    batches = list(batches)
    asked = {who: dict(renders_of(who, dancers, batches)) for who in rendered}
    return {who: [clip for clip in clips if not is_among(who, dancers[clip])] for who, clips in asked.items()}


def _asks_for(batch: Batch, who: str, video: str) -> bool:
    """Nobody knows who is who in a ready-made control video, so no cast is rendered in it."""
    return who in batch.rendered and matches(video, batch.videos) and not (batch.cast and video.startswith(CONTROL_PREFIX))
