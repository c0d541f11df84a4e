"""One host and what a scenario lets it do: what every verb's function is given."""

from dataclasses import dataclass
from random import Random

from csirtlab.content.scenarios import Action
from csirtlab.evidence.model import Host
from csirtlab.evidence.sampling import SECOND, between, chance, heavy, whole
from csirtlab.evidence.topology import Cast

_HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Doing:
    """An action of one host."""

    cast: Cast
    action: Action
    host: Host
    servers: tuple[Host, ...]
    rng: Random

    def others(self, part: str) -> tuple[Host, ...]:
        """Return who else takes part, as the scenario names them for this action."""
        name = self.action.others[part]
        return self.cast.services.get(name) or self.cast.groups[name]

    def draw(self, parameter: str) -> float:
        """Return a number of a parameter's range, uniform."""
        return between(self.rng, *self.action.ranges[parameter])

    def draw_heavy(self, parameter: str) -> int:
        """Return a whole number of a parameter's range, mostly small."""
        return int(heavy(self.rng, *self.action.ranges[parameter]))

    def draw_whole(self, parameter: str) -> int:
        """Return a whole number of a parameter's range, both ends included."""
        low, high = self.action.ranges[parameter]
        return whole(self.rng, int(low), int(high))

    def times(self, per_hour: float) -> list[int]:
        """Return instants all over the window, ``per_hour`` on average."""
        length = self.cast.end_ns - self.cast.begin_ns
        expected = per_hour * length / _HOUR
        count = int(expected) + (1 if chance(self.rng, expected - int(expected)) else 0)
        return sorted(self.cast.begin_ns + int(length * self.rng.random()) for _ in range(count))
