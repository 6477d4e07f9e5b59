"""Footage that counts how many of its frames are held at once."""

import weakref
from collections.abc import Sequence

import numpy as np


class CountedFootage(Sequence):
    """So many black frames (H, W, 3); `most` of them were held at once, the one that is being made included."""

    def __init__(self, count: int, size: tuple[int, int] = (64, 48)) -> None:
        self._count, self._size = count, size
        self._held: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
        self.most = self.made = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if index >= self._count:
            raise IndexError(index)
        frame = np.zeros((self._size[1], self._size[0], 3), np.uint8)
        self.made += 1
        self._held[self.made] = frame
        self.most = max(self.most, len(self._held))
        return frame
