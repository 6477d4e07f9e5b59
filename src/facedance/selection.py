"""Which renders the batches of params.yaml ask for."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from facedance.params import Batch


def asked_for(who: str, videos: Iterable[str], batches: Iterable[Batch]) -> bool:
    """Whether any batch renders `who` in one of these videos."""
    videos = list(videos)
    return any(who in batch.who and _matches(video, batch) for batch in batches for video in videos)


def renders_of(who: str, clips: Iterable[str], batches: Iterable[Batch]) -> Iterator[tuple[str, str]]:
    """Pairs (clip, variant) to render for `who`, each once, in the order of the clips."""
    batches = list(batches)
    for clip in clips:
        video = clip if clip.startswith("control-") else clip.rsplit("_", 1)[0]
        variants = (v for batch in batches if who in batch.who and _matches(video, batch) for v in batch.all_variants())
        for variant in dict.fromkeys(variants):
            yield clip, variant


def _matches(video: str, batch: Batch) -> bool:
    return any(fnmatchcase(video, pattern) for pattern in batch.videos)
