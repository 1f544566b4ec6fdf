"""Breaking one rule at a time."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo import testing
from zoo.testing import check_component


@pytest.fixture
def broken() -> Callable[..., str]:
    """Checks a component against one rule, which it has to break, and gives the message."""

    def check(rule: str, kind: str, component: Any, *args: Any, **kwargs: Any) -> str:
        names = [known.name for known in getattr(testing, kind).RULES]
        assert rule in names
        skip = [name for name in names if name != rule]
        with pytest.raises(AssertionError) as caught:
            check_component(component, *args, kind=kind, skip=skip, **kwargs)
        text = str(caught.value)
        assert text.splitlines()[0].endswith(" breaks a rule")
        assert f"[{rule}] " in text
        for word in ("  rule:   ", "  remedy: "):
            assert word in text
        return text

    return check
