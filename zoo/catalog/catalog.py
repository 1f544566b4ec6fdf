"""The table of every component that the installed plugins register."""

from collections.abc import Iterable
from functools import cached_property

from zoo.catalog.card_cache import Cards
from zoo.catalog.cards import Card
from zoo.components import Component, closest, normalized, singular
from zoo.errors import ConfigError, PluginError


class Catalog:
    """Every component by kind and name. A value: nothing changes it.

    Args:
        rows: What the installed distributions register.
        disabled: What those register that `ZOO_DISABLE_PLUGINS` leaves out.
        shape_rules: The shape rules that they offer, each under its layer's name.
    """

    def __init__(
        self,
        rows: Iterable[Component],
        disabled: Iterable[Component] = (),
        shape_rules: Iterable[Component] = (),
    ) -> None:
        self.rows = tuple(rows)
        self.disabled = tuple(disabled)
        self.shape_rules = tuple(shape_rules)
        self._rule_of = {rule.qualified: rule for rule in self.shape_rules}

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Component]]:
        table: dict[tuple[str, str], list[Component]] = {}
        for row in self.rows:
            table.setdefault((row.kind, row.name), []).append(row)
        return table

    def of_kind(self, kind: str) -> tuple[Component, ...]:
        """Gives the rows of one kind, in the order they were found."""
        return tuple(row for row in self.rows if row.kind == kind)

    def named(self, name: str) -> tuple[Component, ...]:
        """Gives the rows of every kind that a bare or qualified name fits."""
        return tuple(row for row in self.rows if name in (row.name, row.qualified))

    @cached_property
    def _cards(self) -> Cards:
        return Cards()

    def card(self, component: Component) -> Card:
        """Gives what is known of a component without importing it."""
        return self._cards.of(component)

    def shape_rule(self, component: Component) -> Component | None:
        """Gives the shape rule that a layer's own distribution offers for it."""
        rule = self._rule_of.get(component.qualified)
        return rule if rule is not None and rule.status != "broken" else None

    def find(self, kind: str, name: str) -> Component:
        """Finds the component that a config means.

        Args:
            kind: Its kind.
            name: Its name, or `distribution/name`.

        Raises:
            ConfigError: `unknown-component`, or `ambiguous-component` if several distributions
                register the name.
            PluginError: `plugin-broken`, if the one that has it cannot be used.
        """
        distribution, slash, bare = name.rpartition("/")
        found = self._by_name.get((kind, bare), [])
        if slash:
            found = [row for row in found if row.distribution == normalized(distribution)]
        if not found:
            raise self._unknown(kind, name)
        if len(found) > 1:
            raise ConfigError(
                f'"{name}" is registered by {" and ".join(row.distribution for row in found)}',
                "ambiguous-component",
                suggestion=f"write {' or '.join(repr(row.qualified) for row in found)}",
            )
        if found[0].status == "broken":
            raise broken(found[0], found[0].reason)
        return found[0]

    def _unknown(self, kind: str, name: str) -> ConfigError:
        bare = name.rpartition("/")[2]
        owner = next((row for row in self.disabled if (row.kind, row.name) == (kind, bare)), None)
        if owner is not None:
            hint = f"{owner.distribution} has it, but ZOO_DISABLE_PLUGINS leaves that plugin out"
        else:
            hint = self._suggestion(kind, name) or f"`zoo list {kind}` shows what there is"
        return ConfigError(
            f'no {singular(kind)} is called "{name}"', "unknown-component", suggestion=hint
        )

    def _suggestion(self, kind: str, name: str) -> str | None:
        rows = {row.name: row for row in self.of_kind(kind)}
        rows |= {row.qualified: row for row in self.of_kind(kind)} if "/" in name else {}
        from zoo.catalog.habits import MEANT, REMEDIES, as_a_table, called  # seldom needed

        if name.endswith(")") and called(name) in rows:
            card = self.card(rows[called(name)])
            table = as_a_table(name, [argument.name for argument in card.arguments])
            return f"arguments stand beside the type: {table}" if table else None
        remedy = REMEDIES.get(kind, {}).get(name.casefold())
        if remedy is not None:
            return remedy or None
        meant = MEANT.get(kind, {}).get(name.casefold())
        match = meant if meant in rows else closest(name, rows)
        if match is not None:
            return f'did you mean "{match}"? ({rows[match].distribution} {rows[match].version})'
        elsewhere = next((row for row in self.rows if row.name == name), None)
        return f"there is one of that name among the {elsewhere.kind}" if elsewhere else None


def broken(component: Component, reason: str) -> PluginError:
    """Makes the error for a component that cannot be loaded."""
    return PluginError(
        f'"{component.name}" of {component.distribution} {component.version} cannot be used: '
        f"{reason}",
        suggestion=f"repair or remove {component.distribution}, or leave it out with "
        f"ZOO_DISABLE_PLUGINS={component.distribution}",
    )
