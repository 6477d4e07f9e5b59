"""What was seen in renders, kept for as long as nothing changes that would let it be seen otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from facedance.config.sections import Evaluate, WanModel
from facedance.evaluate.judge import LandmarkJudge
from facedance.evaluate.observe import GroupObservation, Observation, footage_of, load, observe, observe_group, save
from facedance.evaluate.shown import Dancer, LookedFor
from facedance.faces.face import FaceBackend
from facedance.files import digest, sha256
from facedance.rerun.item_cache import item_key, record, reusable

_Seen = TypeVar("_Seen", Observation, GroupObservation)


@dataclass(frozen=True)
class Observer:
    """Who looks at renders, and where it is kept."""

    backend: FaceBackend
    landmarks: LandmarkJudge | None
    pose_model: Path
    params: Evaluate
    wan: WanModel
    stamp: Path
    folder: Path  # gets `<identity>/<clip>/<variant>.safetensors`

    def look(self, video: Path, item: str, shown: LookedFor) -> list[Dancer]:
        """What is seen of each dancer in a render; `item` is its path in the folder, without a suffix."""
        if not shown.several:
            alone = self._kept(
                video,
                item,
                [],
                Observation,
                lambda: observe(video, self.backend, self.pose_model, self.params, self.wan, self.landmarks),
            )
            return [Dancer(1, alone, None)]
        driving = shown.driving
        assert driving is not None, "several dancers are known by their driving poses"
        group = self._kept(
            video,
            item,
            [digest(np.round(driving.astype(float), 4).tolist())],  # where each is looked for
            GroupObservation,
            lambda: observe_group(
                footage_of(video, self.wan), driving, self.backend, self.pose_model, self.params, self.wan.fps, self.landmarks
            ),
        )
        return [Dancer(number, group.of(place), group.there[place]) for place, number in enumerate(shown.who)]

    def _kept(self, video: Path, item: str, facts: list[str], kind: type[_Seen], look: Callable[[], _Seen]) -> _Seen:
        kept = self.folder / f"{item}.safetensors"
        key = item_key(self.stamp, sha256(video), sha256(self.pose_model), self.backend.name, self.landmarks is not None, *facts)
        if reusable(self.folder, item, key) is None:
            save(kept, look())
            record(self.folder, item, key, [kept], {})
        return load(kept, kind)
