"""Who is in data/people."""

from facedance.face_branch.people import in_parts, person_of


def test_a_folder_is_a_person_and_a_single_picture_is_one_too():
    assert [person_of(path) for path in ("ann/1.jpg", "ann/more/2.jpg", "0001.png")] == ["ann", "ann", "0001.png"]


def test_a_person_s_portraits_are_in_one_part_wherever_others_are_added():
    portraits = [f"p{number}/{photo}.jpg" for number in range(40) for photo in range(2)]
    parts = in_parts(portraits, 4)
    assert sorted(name for names in parts.values() for name in names) == sorted(portraits)
    assert len(parts) == 4
    for names in parts.values():
        assert all({f"{person_of(name)}/0.jpg", f"{person_of(name)}/1.jpg"} <= {*names} for name in names)
    more = in_parts([*portraits, "zoe.jpg"], 4)
    assert sum(more[part] != parts[part] for part in parts) == 1
