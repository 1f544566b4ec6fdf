"""Which rule a component has: Keras's own here, a plugin's from its entry points."""

from zoo.catalog.catalog import Catalog
from zoo.components import Component
from zoo.shapes.convolution import CONVOLUTIONS
from zoo.shapes.core import CORE
from zoo.shapes.forms import Rule
from zoo.shapes.merging import MERGING
from zoo.shapes.pooling import POOLING
from zoo.shapes.recurrent import RECURRENT
from zoo.shapes.reshaping import RESHAPING

KERAS_RULES: dict[str, Rule] = {
    f"keras.layers:{name}": rule
    for table in (CORE, CONVOLUTIONS, POOLING, RESHAPING, MERGING, RECURRENT)
    for name, rule in table.items()
}
"""The rule of each of Keras's layers by where it is."""


class ShapeRules:
    """Finds the rule of each component, imported once.

    Args:
        catalog: Knows the rules that plugins offer.

    Attributes:
        broken: Why a rule cannot be used, by the component's qualified name.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.broken: dict[str, str] = {}
        self._found: dict[Component, Rule | None] = {}

    def of(self, component: Component) -> Rule | None:
        """Gives a component's rule; None where there is none that can be used."""
        if component.target in KERAS_RULES:
            return KERAS_RULES[component.target]
        if component not in self._found:
            self._found[component] = self._offered(component)
        return self._found[component]

    def complain(self, component: Component, reason: str) -> None:
        """Keeps in mind that a plugin's rule does not do what a rule has to."""
        if component.target not in KERAS_RULES:
            self.broken.setdefault(component.qualified, reason)

    def _offered(self, component: Component) -> Rule | None:
        row = self.catalog.shape_rule(component)
        if row is None:
            return None
        from zoo.shapes.loading import load_rule  # most models have none

        try:
            return load_rule(row)
        except ImportError as error:
            self.broken[component.qualified] = str(error)
            return None
