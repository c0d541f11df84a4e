"""Raw samples become figures: a median for each side, and their ratio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median


class Side(StrEnum):
    """Which of the two is measured."""

    OURS = "ours"
    STOCK = "stock"


@dataclass(frozen=True)
class Figure:
    """One quantity on both sides, each the median of its samples; the unit is in its name."""

    ours: float
    stock: float

    @property
    def ratio(self) -> float | None:
        """Ours in units of stock, below 1 is better; None where stock has no such thing."""
        return round(self.ours / self.stock, 3) if self.stock else None

    def to_json(self) -> dict[str, float | None]:
        """Return it as the report has it."""
        return {"ours": round(self.ours, 3), "stock": round(self.stock, 3), "ratio": self.ratio}


@dataclass
class Samples:
    """What was measured, in the order of measuring."""

    _values: dict[str, dict[Side, list[float]]] = field(default_factory=dict)

    def add(self, name: str, side: Side, value: float) -> None:
        """Keep one measured value."""
        self._values.setdefault(name, {side: [] for side in Side})[side].append(value)

    def figures(self) -> dict[str, Figure]:
        """Return the figure of every quantity that was measured on both sides."""
        return {
            name: Figure(ours=median(sides[Side.OURS]), stock=median(sides[Side.STOCK]))
            for name, sides in self._values.items()
            if all(sides.values())
        }

    def to_json(self) -> dict[str, dict[str, list[float]]]:
        """Return the raw values."""
        return {
            name: {side.value: [round(value, 3) for value in values] for side, values in sides.items()}
            for name, sides in self._values.items()
        }


def report(samples: Samples, *, names: Sequence[str], about: Mapping[str, object]) -> dict[str, object]:
    """Return the JSON object that a benchmark prints: the figures by name, then what they are about.

    Raises:
        KeyError: One of ``names`` was not measured on both sides.
    """
    figures = samples.figures()
    return {**{name: figures[name].to_json() for name in names}, **about, "samples": samples.to_json()}
