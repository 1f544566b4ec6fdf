"""A group shares a zoo: modes, groups, and the lock."""

import os
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.errors import StorageError
from zoo.files import write_atomically
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.editing import LOCK_NAME, editing
from zoo.registry.life import set_status
from zoo.registry.publishing import Candidate, publish

Publish = Callable[..., WeightsEntry]

GROUP, ALICE, BOB = 54321, 54322, 54323


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("folder", "lock"), [(0o2775, 0o664), (0o755, 0o644), (0o700, 0o600), (0o777, 0o666)], ids=oct
)
def test_whoever_may_write_into_the_folder_may_lock_it(
    zoo_root: Path, folder: int, lock: int
) -> None:
    zoo_root.chmod(folder)
    with umask(0o022), editing(zoo_root):
        assert mode(zoo_root / LOCK_NAME) == lock


def test_the_registry_keeps_its_mode_when_it_is_written(
    zoo_root: Path, publish_tiny: Publish
) -> None:
    (zoo_root / "registry.toml").chmod(0o664)
    with umask(0o022):
        publish_tiny()
    assert mode(zoo_root / "registry.toml") == 0o664
    (zoo_root / "registry.toml").chmod(0o600)
    with umask(0o002):
        entry = publish_tiny()
    assert mode(zoo_root / "registry.toml") == 0o600
    assert mode(zoo_root / entry.file) == mode(zoo_root / entry.config) == 0o664


needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[None]:
    """Lets other users pass through the folders above, for as long as a test takes."""
    closed = [(path, mode(path)) for path in tmp_path.parents if not mode(path) & 0o001]
    closed.append((tmp_path, mode(tmp_path)))
    for path, before in closed:
        path.chmod(before | 0o011)
    yield
    for path, before in closed:
        path.chmod(before)


def as_user(user: int, mask: int, act: Callable[[], object]) -> None:
    """Does something in another process as a user whose own group is not the shared one."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([GROUP])
            os.setgid(user)
            os.setuid(user)
            os.umask(mask)
            act()
            status = 0
        except BaseException:  # noqa: BLE001  # the child must not go on as the test
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def shared(zoo_root: Path, candidate: Candidate, reachable: None) -> Path:
    """A zoo in a folder of the group, from which a version was published."""
    for path in (zoo_root, zoo_root / "registry.toml"):
        os.chown(path, ALICE, GROUP)
    zoo_root.chmod(0o2775)
    (zoo_root / "registry.toml").chmod(0o664)
    publish(zoo_root, replace(candidate, name="warm"))  # imports what other users may not read
    os.chown(zoo_root / "weights", ALICE, GROUP)
    (zoo_root / LOCK_NAME).unlink()
    (zoo_root / "weights").chmod(0o2775)
    return zoo_root


@needs_root
def test_two_users_of_a_group_publish_in_turn(shared: Path, candidate: Candidate) -> None:
    as_user(ALICE, 0o002, lambda: publish(shared, candidate))
    as_user(BOB, 0o002, lambda: publish(shared, candidate))
    as_user(ALICE, 0o002, lambda: set_status(shared, ["tiny@1.1.0"], "deprecated"))
    registry = read_registry(shared)
    assert [entry.status for entry in registry.versions("tiny")] == ["stable", "deprecated"]
    first, second = registry.versions("tiny")
    assert (shared / first.file).stat().st_uid == ALICE
    assert (shared / second.file).stat().st_uid == BOB
    files = [shared / name for name in (first.file, second.file, second.config, "registry.toml")]
    assert {(path.stat().st_gid, mode(path)) for path in [*files, shared / LOCK_NAME]} == {
        (GROUP, 0o664)
    }
    folder = (shared / first.file).parent
    assert (folder.stat().st_gid, mode(folder)) == (GROUP, 0o2775)


@needs_root
def test_a_user_whose_umask_takes_the_groups_rights_still_shares_lock_and_registry(
    shared: Path, candidate: Candidate
) -> None:
    as_user(ALICE, 0o022, lambda: publish(shared, candidate))
    as_user(BOB, 0o022, lambda: set_status(shared, ["tiny@1.0.0"], "yanked"))
    assert read_registry(shared).find("tiny@1.0.0").status == "yanked"
    status = (shared / "registry.toml").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (BOB, GROUP, 0o664)


@needs_root
def test_a_lock_that_nobody_else_may_open_says_how_to_share_it(shared: Path) -> None:
    (shared / LOCK_NAME).touch(0o600)
    os.chown(shared / LOCK_NAME, ALICE, ALICE)

    def refused() -> None:
        with pytest.raises(StorageError) as info, editing(shared):
            pass
        (finding,) = info.value.findings
        assert finding.message == f"cannot lock {shared / LOCK_NAME}: Permission denied"
        assert f"chmod -R g+rwX {shared}" in str(finding.suggestion)

    as_user(BOB, 0o002, refused)


@needs_root
def test_a_group_that_cannot_be_kept_gives_another_one_no_more_than_it_had(
    tmp_path: Path, reachable: None
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "file"
    for before, after in ((0o666, 0o664), (0o660, 0o660), (0o640, 0o640), (0o604, 0o604)):
        path.write_bytes(b"old")
        os.chown(path, ALICE, ALICE)  # a group that Bob is not in
        path.chmod(before)
        as_user(BOB, 0o002, lambda: write_atomically(path, b"new"))
        assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (BOB, BOB, after)
        path.unlink()
