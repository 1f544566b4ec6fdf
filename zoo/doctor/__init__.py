"""Whether all is well: environment, plugins, registry, cache, and what was left behind.

Nothing here imports Keras, TensorFlow or a plugin.
"""

from zoo.doctor.environment import look_at_environment
from zoo.doctor.leftovers import look_for_leftovers
from zoo.doctor.plugins import look_at_cache, look_at_plugins
from zoo.doctor.registry import look_at_registry
from zoo.errors import ZooError
from zoo.rows import Row, rows_of
from zoo.workspace import Workspace


def diagnose(workspace: Workspace, *, full: bool = False) -> list[Row]:
    """Looks at everything that a zoo needs.

    Args:
        workspace: The zoo and what is installed.
        full: Whether the hashes of all weights are checked too, which reads them.
    """
    try:
        root, wrong = workspace.root, []
    except ZooError as error:
        root, wrong = None, rows_of(error, "registry", "folder")
    return [
        *look_at_environment(root),
        *look_at_plugins(workspace.catalog),
        *wrong,
        *(look_at_registry(workspace, full=full) if not wrong else []),
        *look_at_cache(),
        *(look_for_leftovers(root) if root is not None else []),
    ]
