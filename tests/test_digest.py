"""Canonical bytes, and the digests of them."""

import pytest

from zoo.digest import canonical_json, sha256

# The example of FIPS 180-4.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_digest_is_that_of_the_standards_example() -> None:
    assert sha256(b"abc") == ABC


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1}) == b'{"a":2,"b":1}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (1e300, str(int(1e300))),
        (True, "true"),
        (None, "null"),
        ((1, (2.0, "é")), '[1,[2,"é"]]'),
        (float("nan"), '"nan"'),
        (float("-inf"), '"-inf"'),
        ({1: {"x": []}}, '{"1":{"x":[]}}'),
    ],
)
def test_plain_data_has_one_spelling(value: object, text: str) -> None:
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}], ids=["an object", "bytes", "a set"])
def test_what_is_not_plain_data_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON serializable"):
        canonical_json(value)
