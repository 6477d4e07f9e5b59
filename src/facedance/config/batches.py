"""Which videos the patterns of params.yaml mean, and which renders its batches ask for."""

import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from facedance.config.sections import Batch
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


def matches(video: str, patterns: Iterable[str]) -> bool:
    """Whether the name of a video is meant by one of these glob patterns, however their accents are written."""
    return any(fnmatchcase(video, unicodedata.normalize("NFC", pattern)) for pattern in patterns)
