"""The budget of the chip: `size_budget.json` as a model, and what exceeds its share."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FILE = "size_budget.json"
COLUMNS = ("flash", "static_ram", "heap", "stack")
ESP_IDF = "ESP-IDF"
NO_COMPONENT = (ESP_IDF, "reserve")


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class Queue(Strict):
    """Something that is taken from the heap at start and kept."""

    what: str
    length: int | str = 1
    """A number, or the Kconfig symbol that gives it."""
    item: int | str
    """Bytes, or the name of a type."""

    def bytes(self, config: dict[str, int], types: dict[str, int]) -> int:
        """Bytes of all its items, by the values of Kconfig and the sizes of types."""
        length = config[self.length] if isinstance(self.length, str) else self.length
        return length * (types[self.item] if isinstance(self.item, str) else self.item)


class Share(Strict):
    """Bytes of one component: its share of the chip, or what it takes."""

    flash: int = 0
    static_ram: int = 0
    heap: int = 0
    stack: int = 0
    why: str = ""


class Limits(Strict):
    """Most bytes taken, or fewest bytes free; shares add up to those of application, static RAM and heap."""

    application: int
    boot_loader: int
    static_ram: int
    iram: int
    heap_free_after_start: int
    heap_without_static_ram: int
    heap_free_at_worst: int
    largest_block_at_worst: int

    @property
    def heap_and_stack(self) -> int:
        """What tasks, queues and buffers may take together with static RAM at its limit."""
        return self.heap_without_static_ram - self.static_ram - self.heap_free_after_start


class Totals(Strict):
    """What a whole build takes, in bytes; None: not measured."""

    application: int
    static_ram: int
    iram: int
    boot_loader: int | None = None
    heap_free_after_start: int | None = None


class Overhead(Strict):
    """Bytes of management, each."""

    task: int
    queue: int


class Budget(Strict):
    """The file."""

    about: str
    limits: Limits
    worst_moment: list[Queue]
    """What is taken from the heap that is free after the start, all at once."""
    measured: dict[str, Totals]
    """Real builds, by what they were."""
    overhead: Overhead
    queues: dict[str, list[Queue]]
    shares: dict[str, Share]

    def problems_of_sums(self) -> list[str]:
        """Shares that do not add up to the limits."""
        total = {column: sum(getattr(share, column) for share in self.shares.values()) for column in COLUMNS}
        return [
            f"the shares of {name} add up to {found}, but the limit is {limit}: change 'reserve' by {limit - found}"
            for name, found, limit in (
                ("flash", total["flash"], self.limits.application),
                ("static_ram", total["static_ram"], self.limits.static_ram),
                ("heap and stack", total["heap"] + total["stack"], self.limits.heap_and_stack),
            )
            if found != limit
        ]

    def free_at_worst(self, config: dict[str, int]) -> int:
        """Bytes of heap that are free at the worst moment; `item` may be a Kconfig symbol."""
        return self.limits.heap_free_after_start - sum(taker.bytes(config, config) for taker in self.worst_moment)

    def problems_of_totals(self, taken: Totals) -> list[str]:
        """What takes more than its limit in a whole build."""
        return [
            f"{what} takes {bytes_taken} bytes, {limit} are allowed"
            for what, bytes_taken, limit in (
                ("the application image", taken.application, self.limits.application),
                ("the boot loader", taken.boot_loader, self.limits.boot_loader),
                ("static RAM", taken.static_ram, self.limits.static_ram),
                ("IRAM", taken.iram, self.limits.iram),
            )
            if bytes_taken is not None and bytes_taken > limit
        ]

    def problems_of(self, component: str, taken: Share) -> list[str]:
        """Components that take more than their shares."""
        share = self.shares.get(component)
        if share is None:
            return [f"{component} has no entry in size_budget.json: give it a share and take that from 'reserve'"]
        return [
            f"{component} takes {getattr(taken, column)} bytes of {column}, its share is {getattr(share, column)}"
            for column in COLUMNS
            if getattr(taken, column) > getattr(share, column)
        ]


def load_budget(root: Path) -> Budget:
    """Read the budget of a source tree.

    Raises:
        OSError: not there.
        ValueError: it is not such a budget.
    """
    path = root / FILE
    try:
        return Budget.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from None


def components(root: Path) -> list[str]:
    """Names of the project's components, `main` last."""
    return [*sorted(path.parent.name for path in root.glob("components/*/CMakeLists.txt")), "main"]
