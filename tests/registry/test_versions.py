"""Version numbers, references, and which version a reference means."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import RegistryError
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.versions import Version, split_reference

Publish = Callable[..., WeightsEntry]


def test_versions_compare_as_numbers() -> None:
    texts = ["1.10.0", "1.9.9", "0.0.1", "1.9.10", "10.0.0"]
    assert [str(version) for version in sorted(map(Version.parse, texts))] == [
        "0.0.1",
        "1.9.9",
        "1.9.10",
        "1.10.0",
        "10.0.0",
    ]


@pytest.mark.parametrize(
    "text", ["1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "01.2.3", "1.2.-3", "1.2.3\n", "", "1.2.1e3"]
)
def test_anything_but_three_plain_numbers_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version of the form MAJOR") as info:
        Version.parse(text)
    assert repr(text) in str(info.value)


def test_a_new_graph_is_a_major_version_and_a_new_training_a_minor_one() -> None:
    assert str(Version(1, 2, 3).next_major()) == "2.0.0"
    assert str(Version(1, 2, 3).next_minor()) == "1.3.0"


@pytest.mark.parametrize(
    ("prefix", "covered"),
    [(None, True), ("1", True), ("1.2", True), ("1.2.3", True), ("1.2.30", False), ("11", False)],
)
def test_a_prefix_covers_whole_numbers_only(prefix: str | None, covered: bool) -> None:
    assert Version(1, 2, 3).matches(prefix) is covered


@pytest.mark.parametrize(
    ("reference", "parts"),
    [("m", ("m", None)), ("m@1", ("m", "1")), ("m@1.2", ("m", "1.2")), ("m@1.2.3", ("m", "1.2.3"))],
    ids=str,
)
def test_a_reference_is_a_name_and_perhaps_a_version(
    reference: str, parts: tuple[str, str | None]
) -> None:
    assert split_reference(reference) == parts


@pytest.mark.parametrize("reference", ["m@", "m@x", "m@1.2.3.4", "m@1.", "m@1@2", "m@ 1"])
def test_what_is_no_version_is_shown_how(reference: str) -> None:
    with pytest.raises(RegistryError) as info:
        split_reference(reference)
    (finding,) = info.value.findings
    version = reference.partition("@")[2]
    assert finding.code == "unknown-version"
    assert finding.message == f"{version!r} in {reference!r} is not a version"
    assert finding.suggestion == "write m@1, m@1.2 or m@1.2.3"


class TestFinding:
    """Which version `name`, `name@1`, `name@1.2` or `name@1.2.3` is."""

    @pytest.fixture
    def find(self, zoo_root: Path, publish_tiny: Publish) -> Callable[[str], str]:
        for version in ("1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.1.0", "3.0.0"):
            publish_tiny(version)
        path = zoo_root / "registry.toml"
        text = path.read_text()
        for version, status in (
            ("2.1.0", "deprecated"),
            ("1.10.0", "yanked"),
            ("3.0.0", "deprecated"),
        ):
            head, mark, tail = text.partition(f'version = "{version}"')
            text = head + mark + tail.replace('"stable"', f'"{status}"', 1)
        path.write_text(text)
        registry = read_registry(zoo_root, accept_edits=True)
        return lambda reference: registry.find(reference).reference

    @pytest.mark.parametrize(
        ("reference", "version"),
        [
            ("tiny", "2.0.0"),
            ("tiny@2", "2.0.0"),
            ("tiny@2.1", "2.1.0"),
            ("tiny@2.1.0", "2.1.0"),
            ("tiny@3", "3.0.0"),
            ("tiny@1", "1.2.0"),
            ("tiny@1.10.0", "1.10.0"),
            ("tiny@1.0", "1.0.0"),
        ],
    )
    def test_the_newest_stable_one_that_fits_is_meant(
        self, find: Callable[[str], str], reference: str, version: str
    ) -> None:
        assert find(reference) == f"tiny@{version}"

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("tiny@1.10", "tiny has no version 1.10"),
            ("tiny@4", "tiny has no version 4"),
            ("tiny@1.0.1", "tiny has no version 1.0.1"),
        ],
    )
    def test_a_version_that_is_not_there_or_yanked_lists_what_there_is(
        self, find: Callable[[str], str], reference: str, message: str
    ) -> None:
        with pytest.raises(RegistryError) as info:
            find(reference)
        (finding,) = info.value.findings
        assert (finding.code, finding.message) == ("unknown-version", message)
        assert finding.suggestion == "there is 1.0.0, 1.2.0, 2.0.0, 2.1.0, 3.0.0"

    def test_an_unknown_model_suggests_the_right_one(self, find: Callable[[str], str]) -> None:
        with pytest.raises(RegistryError) as info:
            find("tinny@1")
        assert str(info.value) == (
            "error[unknown-model]: the zoo has no model 'tinny'\n  = did you mean \"tiny\"?"
        )
