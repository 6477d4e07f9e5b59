import os
import time

import pytest

from facedance.job import InputError
from facedance.rerun.clock import bring_into_present

NOW = time.time_ns()
SECOND = 10**9
HOUR = 3600 * SECOND


@pytest.fixture
def dated(tmp_path):
    def make(name, time_ns):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(name)
        os.utime(path, ns=(time_ns, time_ns))
        return path

    return make


def modified(path):
    return path.lstat().st_mtime_ns


def test_the_past_stays_as_it_is(dated, tmp_path):
    files = [dated("a/old", NOW - 90 * SECOND), dated("b/now", NOW)]
    assert bring_into_present([str(tmp_path)]) == 0
    assert [modified(f) for f in files] == [NOW - 90 * SECOND, NOW]


def test_the_future_comes_after_the_past_and_not_after_now_in_its_own_order(dated, tmp_path):
    past = dated("a/past", NOW - 1000)
    future = [dated(f"b/deep/{i}", NOW + i * HOUR) for i in (1, 5, 3600)]
    twin = dated("a/twin", NOW + 5 * HOUR)
    assert bring_into_present([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "absent")]) == 4
    times = [modified(f) for f in (past, *future)]
    assert times == sorted(set(times))
    assert times[-1] <= time.time_ns()
    assert modified(twin) == modified(future[1])
    assert bring_into_present([str(tmp_path)]) == 0


def test_a_link_is_as_late_as_what_it_leads_to_and_both_are_dated(dated, tmp_path):
    target = dated("elsewhere/target", NOW + HOUR)
    (tmp_path / "here").mkdir()
    link = tmp_path / "here" / "link"
    link.symlink_to(target)
    (tmp_path / "here" / "broken").symlink_to("nowhere")
    assert bring_into_present([str(tmp_path / "here")]) == 1
    assert modified(target) <= time.time_ns()
    os.utime(link, ns=(NOW + HOUR, NOW + HOUR), follow_symlinks=False)
    assert bring_into_present([str(tmp_path / "here")]) == 1
    assert modified(link) <= time.time_ns()


def test_files_that_go_away_meanwhile_are_no_matter(dated, tmp_path, monkeypatch):
    path = dated("a", NOW + HOUR)
    utime = os.utime

    def gone(*args, **kwargs):
        path.unlink()
        utime(*args, **kwargs)

    monkeypatch.setattr(os, "utime", gone)
    assert bring_into_present([str(tmp_path)]) == 1


def test_a_file_of_somebody_else_is_named(dated, tmp_path, monkeypatch):
    path = dated("a", NOW + HOUR)

    def refused(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refused)
    with pytest.raises(InputError, match=f"{path} is from the future.*touch it as its owner"):
        bring_into_present([str(tmp_path)])
