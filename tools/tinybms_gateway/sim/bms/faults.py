"""What goes wrong on the simulated line."""

import random
from dataclasses import dataclass

ABOUT = {
    "flip": "probability that a bit of an answer is flipped, per bit",
    "truncate": "probability that an answer is cut off somewhere",
    "drop": "probability that an answer never comes",
    "corrupt": "probability that an answer is damaged: a third each have flipped bits, are cut off, are lost",
    "nack": "probability that a request is answered negatively",
    "silence": "1 = nothing is answered",
    "broadcast": "period of unsolicited ASCII lines, s",
    "slow": "extra time before every answer, ms",
    "noise": "probability of random bytes before an answer",
    "forget_writes": "1 = writes are acknowledged but not carried out",
    "tell_once": "1 = command 0x11 reports each event only once",
    "frozen": "1 = lifetime counter and all measurements stand still",
}
"""What each fault does; all are initially 0."""


@dataclass
class Faults:
    """Faults of the line and of the device, see `ABOUT`; all can be changed while it runs."""

    flip: float = 0.0
    truncate: float = 0.0
    drop: float = 0.0
    corrupt: float = 0.0
    nack: float = 0.0
    silence: float = 0.0
    broadcast: float = 0.0
    slow: float = 0.0
    noise: float = 0.0
    forget_writes: float = 0.0
    tell_once: float = 0.0
    frozen: float = 0.0

    def set(self, name: str, value: float) -> None:
        """Set a fault by its name.

        Raises:
            ValueError: unknown name or a value out of range.
        """
        if name not in ABOUT:
            raise ValueError(f"fault '{name}': not known; choose from {', '.join(ABOUT)}")
        largest = LARGEST.get(name, 1.0)
        if not 0 <= value <= largest:
            raise ValueError(f"fault '{name}': {value:g} must be 0..{largest:g}")
        setattr(self, name, value)

    def parse(self, text: str) -> None:
        """Set a fault from ``NAME`` (its value is then 1) or ``NAME=VALUE``."""
        name, _, value = text.partition("=")
        try:
            number = float(value) if value else 1.0
        except ValueError:
            raise ValueError(f"fault '{name}': '{value}' is not a number") from None
        self.set(name, number)

    def damage(self, answer: bytes, rng: random.Random) -> bytes:
        """The answer as it arrives; empty = it does not arrive."""
        kind = rng.choice(("flip", "cut", "lose")) if rng.random() < self.corrupt else ""
        if self.silence or kind == "lose" or rng.random() < self.drop:
            return b""
        if self.flip > 0 or kind == "flip":
            answer = _flip_bits(answer, self.flip, rng, at_least_one=kind == "flip")
        if kind == "cut" or rng.random() < self.truncate:
            answer = answer[: rng.randrange(len(answer))]
        if rng.random() < self.noise:
            answer = rng.randbytes(rng.randint(1, 12)) + answer
        return answer


LARGEST = {"broadcast": 60.0, "slow": 10_000.0}


def _flip_bits(data: bytes, rate: float, rng: random.Random, *, at_least_one: bool) -> bytes:
    bits = [bit for bit in range(8 * len(data)) if rng.random() < rate]
    if at_least_one and not bits:
        bits = [rng.randrange(8 * len(data))]
    flipped = bytearray(data)
    for bit in bits:
        flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)
