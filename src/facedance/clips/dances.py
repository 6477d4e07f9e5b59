"""Whole dances: each stretch of a video in which one dancer, or a group, is seen, however long it is."""

from facedance.clips.in_view import find_dancers
from facedance.clips.search import Candidate, Search, looked_at
from facedance.clips.timing import fitting_frames, frame_indices


def find_dances(search: Search) -> list[Candidate]:
    """The first `most` stretches in which one dancer is seen, from where they come to where they leave, in their order.

    A dancer who is out of view for a moment stays, and so does one whom somebody passes by (`facedance.clips.stretches`).
    Stretches shorter than a clip of the model's are left out; where all are, the longest of them is taken. Where none has room
    for the shortest clip, the longest scene comes back with the reason. It has none where one dancer is seen now and then:
    following them will tell.

    Args:
        search: of scenes that are all that the video has.
    """
    fps, shots = search.wan.fps, looked_at(search)
    stretches = [stretch for shot in shots for stretch in shot.solos(search.group)]
    long = [stretch for stretch in stretches if stretch.room(fps) >= search.wan.frames][: search.most]
    found = []
    for stretch in long or search.longest(stretches) or search.longest(search.scenes):
        looks = [look for shot in shots for look in zip(shot.times.tolist(), shot.people, strict=True)]
        people = [seen for time, seen in looks if stretch.start <= time <= stretch.end]
        boxes, reason = find_dancers(people, group=search.group)
        frames = fitting_frames(stretch, fps, most=stretch.room(fps))
        indices = frame_indices(search.timestamps, stretch.start, fps, frames)
        found.append(Candidate(stretch.start, indices, boxes, reason, not reason, search.count(people)))
    return found
