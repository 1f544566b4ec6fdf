"""`zoo.lock`: what gives the names of a zoo's models their meaning, pinned.

A model config names components, and what a name means is decided by the plugins that are
installed. The lock is a picture of that: the plugins' code, the resolved configs, the published
versions, and the packages whose version changes what a model computes. `zoo lock` takes it, and
`--locked` refuses whatever is no longer as it was.

Locked are the plugins that a locked model is made of, and the zoo itself, not all that register
something. A plugin that no locked model uses changes none of them, and colleagues have different
ones installed. One that takes a name away from another is noticed all the same: the bare name is
then ambiguous, or it stands for something else, and with it the resolved config.
"""

from zoo.locking.compare import Change, compare
from zoo.locking.document import LOCK_FILE, Lock, read_lock, written
from zoo.locking.gate import lock_findings, refusal, require_locked
from zoo.locking.picture import Picture
from zoo.locking.selection import locked_again, newly_locked

__all__ = [
    "LOCK_FILE",
    "Change",
    "Lock",
    "Picture",
    "compare",
    "lock_findings",
    "locked_again",
    "newly_locked",
    "read_lock",
    "refusal",
    "require_locked",
    "written",
]
