"""The figures of docs/explanation.md can be had: each way of losing files is tried."""

import re

import pytest

from benchmarks import unsafe_files

SAID = (
    r"\d+ writers at once: \d+ entries left",
    r"killed while it writes an index: \d+ of 2 parse and lack entries, \d+ do not parse",
    r"another graph: \d+ of \d+ took the weights",
    r"one flipped bit in \['\.weights', '\.h5'\]: \d+ of 2 loaded without a word",
    r"one flipped bit in \['\.safetensors'\]: \d+ of 2 loaded without a word",
    r"killed while it saves over a good \.weights\.h5: [01] of 1 lost",
    r"killed while it saves over a good \.keras: [01] of 1 lost",
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forks where threads run
def test_a_line_is_printed_for_each_way_in_which_files_are_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    for name, value in (("FLIPS", 2), ("SAVES", 1), ("INDEX_KILLS", 2), ("WRITERS", 2)):
        monkeypatch.setattr(unsafe_files, name, value)
    unsafe_files.main()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(SAID)
    for line, said in zip(printed, SAID, strict=True):
        assert re.fullmatch(said, line), line
