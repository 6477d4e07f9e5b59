"""Which renders the batches of params.yaml ask for."""

from collections.abc import Iterable, Iterator

from facedance.config.patterns import matches
from facedance.config.rendering import Batch
from facedance.names import video_of_clip


def asked_for(who: str, videos: Iterable[str], batches: Iterable[Batch]) -> bool:
    """Whether any batch renders `who` in one of these videos."""
    videos = list(videos)
    return any(who in batch.who and matches(video, batch.videos) for batch in batches for video in videos)


def renders_of(who: str, clips: Iterable[str], batches: Iterable[Batch]) -> Iterator[tuple[str, str]]:
    """Pairs (clip, variant) to render for `who`, each once, in the order of the clips."""
    batches = list(batches)
    for clip in clips:
        video = video_of_clip(clip)
        variants = (v for batch in batches if who in batch.who and matches(video, batch.videos) for v in batch.all_variants())
        for variant in dict.fromkeys(variants):
            yield clip, variant
