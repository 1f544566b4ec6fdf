"""A `registry.toml` that people edited or merged: what is wrong, where, and what to do."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import Finding, RegistryError
from zoo.registry.document import WeightsEntry, parse_registry, read_registry
from zoo.registry.editing import editing

Publish = Callable[..., WeightsEntry]

ACCEPT = "`zoo verify --accept-edits`"


def refused(root: Path, *, accept: bool = False) -> list[Finding]:
    with pytest.raises(RegistryError) as info:
        read_registry(root, accept_edits=accept)
    return list(info.value.findings)


def edit(root: Path, before: str, after: str) -> None:
    path = root / "registry.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def shown(finding: Finding) -> list[str]:
    return str(finding).splitlines()[1:]


class TestMerges:
    """What version control leaves where two sides changed the same lines."""

    def test_the_marks_are_recognised_with_their_lines(self, published: Path) -> None:
        edit(
            published,
            "format = 1",
            "format = 1\n<<<<<<< HEAD\n# ours\n||||||| base\n=======\n# theirs\n>>>>>>> topic",
        )
        with (published / "registry.toml").open("a") as file:
            file.write("<<<<<<< HEAD\n[[models]]\n=======\n>>>>>>> topic\n")
        first, second = refused(published)
        assert (first.code, first.line, first.column) == ("syntax", 3, 1)
        assert first.message == "a merge was left half-way: its marks are in lines 3, 5, 6 and 8"
        assert first.suggestion == (
            f"keep one side's file and add the other's new entries to it, whole; then {ACCEPT}"
        )
        last = len((published / "registry.toml").read_text().splitlines())
        assert second.message.endswith(f"in lines {last - 3}, {last - 1} and {last}")
        assert refused(published, accept=True) == [first, second]

    @pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
    def test_two_that_published_at_once_are_merged_as_the_message_says(
        self, zoo_root: Path, publish_tiny: Publish
    ) -> None:
        def git(*arguments: str, status: int = 0) -> str:
            settings = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
            done = subprocess.run(
                ["git", *settings, *arguments],
                cwd=zoo_root,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == status, done.stderr
            return done.stdout

        publish_tiny()
        git("init", "--initial-branch=main")
        git("add", ".")
        git("commit", "--message=one")
        git("checkout", "-b", "topic")
        publish_tiny("2.0.0")
        git("add", ".")
        git("commit", "--message=theirs")
        git("checkout", "main")
        publish_tiny("1.1.0")
        git("add", ".")
        git("commit", "--message=ours")
        git("merge", "topic", status=1)
        found = refused(zoo_root)
        path = zoo_root / "registry.toml"
        lines = path.read_text().splitlines()
        marks = [n for n, line in enumerate(lines, 1) if line[:7] in ("<" * 7, "=" * 7, ">" * 7)]
        assert [f.line for f in found] == [n for n in marks if lines[n - 1][0] == "<"]
        assert all(str(n) in " ".join(f.message for f in found) for n in marks)
        ours, theirs = (git("show", f"{side}:registry.toml") for side in ("HEAD", "topic"))
        path.write_text(f"{ours}\n[[weights]]{theirs.rpartition('[[weights]]')[2]}")
        assert refused(zoo_root)[0].message.endswith("tiny@2.0.0 (line 41) was added")
        with editing(zoo_root, accept_edits=True) as edit:
            edit.save()
        versions = [entry.version for entry in read_registry(zoo_root).versions("tiny")]
        assert versions == ["1.0.0", "1.1.0", "2.0.0"]

    def test_a_line_of_equals_signs_in_a_text_is_none(self, published: Path) -> None:
        edit(published, 'description = "A small model."', "description = '''\n=======\n'''\nx")
        (finding,) = refused(published)
        assert finding.code == "syntax"
        assert "merge" not in finding.message

    def test_one_side_alone_with_the_seal_of_the_other_says_what_was_added(
        self, published: Path, publish_tiny: Publish
    ) -> None:
        path = published / "registry.toml"
        ours = path.read_text().splitlines()[0]
        publish_tiny()
        publish_tiny(name="other")
        _, *rest = path.read_text().splitlines()
        path.write_text("\n".join([ours, *rest]) + "\n")
        (finding,) = refused(published)
        lines = path.read_text().splitlines()
        new = lines.index('version = "1.2.0"') - 1
        model = len(lines) - 1 - lines[::-1].index("[[models]]") + 1
        weights = len(lines) - 1 - lines[::-1].index("[[weights]]") + 1
        assert finding.message.endswith(
            "it should have 3 entries and has 6; "
            f"other (line {model}) was added; tiny@1.2.0 (line {new}) was added; "
            f"other@1.0.0 (line {weights}) was added"
        )
        assert finding.line == model
        assert finding.suggestion == (
            f"restore it from version control, or check the edit and accept it with {ACCEPT}"
        )


class TestEdits:
    """What a person changed, with its line."""

    def test_the_status_that_was_changed_is_pointed_at(self, published: Path) -> None:
        edit(published, 'status = "stable"', 'status = "yanked"')
        (finding,) = refused(published)
        assert finding.message.endswith('tiny@1.0.0 (line 23) had status = "stable"')
        assert shown(finding)[1:3] == [
            '23 | status = "yanked"',
            f"   |          ^^^^^^^^ restore it from version control, or check the edit and accept "
            f"it with {ACCEPT}",
        ]

    @pytest.mark.parametrize(
        ("before", "after", "line", "key"),
        [
            ("size = ", "size = 1", 14, "size"),
            ('sha256 = "', 'sha256 = "0', 13, "sha256"),
            ("a" * 64, "b" * 64, 15, "fingerprint"),
        ],
    )
    def test_an_entry_that_its_files_contradict_is_pointed_at(
        self, published: Path, before: str, after: str, line: int, key: str
    ) -> None:
        path = published / "registry.toml"
        head, mark, tail = path.read_text().partition("[[weights]]")
        value = tail.partition(before)[2]
        if key == "sha256":  # as long as it was
            tail = tail.replace(before + value[:64], after + value[1:64], 1)
        else:
            tail = tail.replace(before, after, 1)
        path.write_text(head + mark + tail)
        (finding,) = refused(published)
        assert (finding.line, finding.key) == (line, f"weights.0.{key}")
        assert finding.message.endswith(
            f"tiny@1.0.0 (line {line}) has another `{key}` than its files"
        )

    def test_a_config_that_is_not_the_entrys_is_told_apart(self, published: Path) -> None:
        (published / "weights" / "tiny" / "1.0.0.toml").write_text("zoo = 1\n")
        read_registry(published)  # the files are looked at only where the seal does not fit
        edit(published, "val_loss = 0.5", "val_loss = 0.4")
        (finding,) = refused(published)
        assert "tiny@1.0.0 (line 17) has another `config_sha256` than its files" in finding.message

    def test_where_nothing_more_is_known_the_seal_is_pointed_at(self, published: Path) -> None:
        edit(published, "val_loss = 0.5", "val_loss = 0.4")
        (published / "weights" / "tiny" / "1.0.0.safetensors").unlink()
        (finding,) = refused(published)
        assert finding.message.endswith("an entry is not as it was written")
        assert (finding.line, finding.key) == (1, "index")

    def test_a_misspelt_key_is_pointed_at_and_the_right_one_suggested(
        self, published: Path
    ) -> None:
        edit(published, 'status = "stable"', 'statsu = "stable"')
        (finding,) = refused(published)
        assert shown(finding)[1:] == [
            '23 | statsu = "stable"',
            '   | ^^^^^^ did you mean "status"?',
        ]
        assert finding.message == "unknown key `statsu` in tiny@1.0.0"

    def test_a_key_that_is_missing_is_missing_in_its_entry(self, published: Path) -> None:
        edit(published, "keras = ", "# keras = ")
        (finding,) = refused(published)
        assert finding.message == "`keras` is missing in tiny@1.0.0"
        assert (finding.line, finding.excerpt) == (9, "[[weights]]")

    def test_every_error_of_form_has_its_line(self, published: Path) -> None:
        edit(published, 'description = "A small model."', "description = 3\nmore = 4")
        edit(published, 'status = "stable"', 'status = "old"')
        edit(published, "format = 1", "format = 1\nweight = []")
        found = refused(published)
        assert [(f.line, f.message) for f in sorted(found, key=lambda f: f.line or 0)] == [
            (3, "unknown key `weight`"),
            (8, "description in tiny takes a string; received 3"),
            (9, "unknown key `more` in tiny"),
            (25, 'status in tiny@1.0.0 takes "stable", "deprecated" or "yanked"; received "old"'),
        ]
        assert {f.code for f in found} == {"bad-registry"}

    def test_an_entry_that_stands_there_twice_is_named_with_both_lines(
        self, published: Path
    ) -> None:
        path = published / "registry.toml"
        entry = path.read_text().partition("[[weights]]")[2].partition("\n\n")[0]
        with path.open("a") as file:
            file.write(f"\n[[weights]]{entry}\n")
        (finding,) = refused(published, accept=True)
        assert finding.message.endswith("tiny@1.0.0 stands there twice, in lines 9 and 41")
        assert (finding.line, finding.code) == (41, "duplicate-name")
        assert "remove one of them" in str(finding)

    def test_a_byte_that_is_no_text_is_found(self, published: Path) -> None:
        path = published / "registry.toml"
        path.write_bytes(path.read_bytes().replace(b"A small", b"A sm\xffall"))
        (finding,) = refused(published)
        assert (finding.line, finding.column) == (7, len('description = "A sm') + 1)


@pytest.mark.parametrize(
    "path", ["/x", "../x", "a/../x", "~/x", "file:x", "s3://b/x", "C:x", "a\\x", "\\x", ""]
)
@pytest.mark.parametrize("key", ["file", "config"])
def test_a_path_that_is_not_plain_and_relative_is_refused_with_its_line(
    published: Path, key: str, path: str
) -> None:
    lines = (published / "registry.toml").read_text().splitlines()
    number = [n for n, line in enumerate(lines) if line.startswith(f"{key} = ")][-1]
    lines[number] = f"{key} = '{path}'"
    with pytest.raises(RegistryError) as info:
        parse_registry("\n".join(lines).encode(), published, accept_edits=True)
    (finding,) = info.value.findings
    assert (finding.code, finding.line) == ("unsafe-path", number + 1)
    assert finding.message.startswith("tiny@1.1.0: the path ")
    assert finding.suggestion == (
        "write it relative to the folder of registry.toml: no `..`, `~`, scheme or backslash"
    )


def test_the_config_of_a_model_is_such_a_path_too() -> None:
    text = b'format = 1\n[[models]]\nname = "m"\nconfig = "/etc/m.toml"\n'
    with pytest.raises(RegistryError) as info:
        parse_registry(text, Path("/zoo"))
    (finding,) = info.value.findings
    assert (finding.code, finding.line, finding.column) == ("unsafe-path", 4, 10)
    assert finding.message == 'm: the path "/etc/m.toml" is not accepted'
