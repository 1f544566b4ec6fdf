"""What single blocks of other pages show is what is printed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.docs.blocks import blocks


def test_the_error_on_the_page_docs_locking_md_is_what_a_changed_plugin_gives(
    cli: Callable[..., Any],
    make_distribution: Callable[..., Path],
    write_config: Callable[..., Path],
    tiny: Callable[..., str],
) -> None:
    (shown,) = [block.text for block in blocks("docs/locking.md") if block.language == "text"]
    loss = "def mine(y_true, y_pred):\n    return 0\n"
    site = make_distribution(
        "my-losses", {"zoo.losses": {"mine": "my_losses:mine"}}, {"my_losses.py": loss}
    )
    write_config(tiny('loss = "mine"'))
    cli("lock", "model.toml")
    (site / "my_losses.py").write_text(f"{loss}# changed\n")
    said = cli("check", "model.toml", "--locked", status=5).err
    digest = re.compile(r"\b[0-9a-f]{12}\b")
    assert digest.sub("DIGEST", shown) in digest.sub("DIGEST", said)
