"""Files that are whole or not there, and paths that stay where they belong."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.processes import python
from zoo.errors import ConfigError, StorageError
from zoo.files import (
    file_error,
    read_bytes,
    safe_path,
    storage_error,
    sync_folder,
    write_atomically,
)


def test_writing_makes_the_folders_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)], ids=oct
)
def test_the_umask_decides_who_may_read_a_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    path = tmp_path / "taken" / "file"
    with pytest.raises(StorageError) as info:
        write_atomically(path, b"x")
    assert info.value.findings[0].message == f"cannot write {path}: File exists"
    assert info.value.findings[0].file == str(path)
    assert "check that the folder exists" in str(info.value)


def test_a_write_that_fails_leaves_the_old_thing_and_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inner").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot write .*folder: Is a directory"):
        write_atomically(target, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]


def test_a_wrong_argument_is_no_storage_error_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="bytes-like object is required"):
        write_atomically(tmp_path / "file", "text")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    # A limit on the size of files fails as a full disk does: in the middle of the write.
    program = f"""
import resource, signal
from pathlib import Path
from zoo.errors import StorageError
from zoo.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path({str(tmp_path / "file")!r}), b"x" * 100_000)
except StorageError as error:
    print(error.findings[0].message)
"""
    (tmp_path / "file").write_bytes(b"old")
    printed = python("-c", program)
    assert printed == f"cannot write {tmp_path / 'file'}: File too large\n"
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_syncing_a_folder_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        sync_folder(tmp_path / "nowhere")


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bytes(tmp_path / "file") == b"12345"
    assert read_bytes(tmp_path / "file", limit=5) == b"12345"


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 2000)
    with pytest.raises(ConfigError) as info:
        read_bytes(tmp_path / "file", limit=1999)
    finding = info.value.findings[0]
    assert (finding.code, finding.message) == (
        "too-large",
        "file has 2,000 bytes; at most 1,999 are read",
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as info:
        read_bytes(tmp_path / "gone.toml")
    assert info.value.findings[0].message == f"there is no file {tmp_path / 'gone.toml'}"
    assert info.value.findings[0].suggestion == "check the path"


def test_a_folder_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(StorageError, match="is not a regular file"):
            read_bytes(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file/inner", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("nul\0", "embedded null byte"),
    ],
    ids=["below a file", "too long", "a null byte"],
)
def test_a_path_that_the_system_refuses_is_a_storage_error(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as info:
        read_bytes(tmp_path / name)
    assert info.value.findings[0].message == f"cannot read {tmp_path / name}: {reason}"


@pytest.mark.parametrize("text", ["data/x.npz", "./data/x.npz", "../zoo/data/x.npz", "new.csv"])
def test_a_path_inside_the_root_is_given_resolved(tmp_path: Path, text: str) -> None:
    root = tmp_path / "zoo"
    (root / "data").mkdir(parents=True)
    path = safe_path(text, folder=root, root=root)
    assert path == (root / text).resolve()
    assert path.is_relative_to(root)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty or has control characters"),
        ("a\nb", "it is empty or has control characters"),
        ("~/x", "`~` is not expanded"),
        ("~root/x", "`~` is not expanded"),
        ("file:x", "it has a scheme or a drive"),
        ("https://example.org/x", "it has a scheme or a drive"),
        ("C:\\x", "it has a scheme or a drive"),
        ("/etc/passwd", "it is absolute"),
        ("\\\\host\\x", "it is absolute"),
        ("../x", "it leads out of"),
        ("a/../../x", "it leads out of"),
        ("link/x", "it leads out of"),
        ("loop/x", "it "),
    ],
)
def test_a_path_that_could_leave_the_root_is_refused(
    tmp_path: Path, text: str, reason: str
) -> None:
    root = tmp_path / "zoo"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "loop").symlink_to(tmp_path / "zoo" / "loop")
    with pytest.raises(ConfigError) as info:
        safe_path(text, folder=root, root=root)
    finding = info.value.findings[0]
    assert finding.code == "unsafe-path"
    assert finding.message.startswith(f"the path {text!r} is not accepted: {reason}")
    assert finding.suggestion == (
        "use a path relative to the config's folder that stays inside the zoo root"
    )


def test_a_disk_at_fault_is_said_with_what_to_free_and_anything_else_is_not() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/x")
    error = storage_error("the training failed", full)
    assert error is not None
    (finding,) = error.findings
    assert finding.message == "the training failed: /x: No space left on device"
    assert finding.suggestion is not None
    assert finding.suggestion.startswith("make room on its disk: `zoo gc` shows what may go")
    short = storage_error("it failed", MemoryError())
    assert short is not None
    assert short.findings[0].message == "it failed: out of memory"
    assert storage_error("it failed", OSError(errno.ENOTDIR, "Not a directory")) is None
    assert storage_error("it failed", ValueError("no")) is None


def test_too_little_memory_for_a_file_names_the_file() -> None:
    (finding,) = file_error("read", Path("/x.npz"), MemoryError("17 GiB")).findings
    assert (finding.message, finding.file) == (
        "cannot read /x.npz: out of memory: 17 GiB",
        "/x.npz",
    )


def test_a_path_beside_a_root_of_the_same_beginning_is_outside(tmp_path: Path) -> None:
    for name in ("zoo", "zoo-two"):
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match="leads out of"):
        safe_path("../zoo-two/x", folder=tmp_path / "zoo", root=tmp_path / "zoo")
