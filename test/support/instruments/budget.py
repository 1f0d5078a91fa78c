"""The budget of the chip (size_budget.json) against what the components take, as far as it can be told without a chip.

Pure components are measured as built for rv32 and Xtensa (the larger counts), services as built for x86-64, whose code
and pointers are larger. Task stacks and queues come from the Kconfig values of the native build.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from support import ROOT
from support.instruments.target import CHIPS, RV32, Measured, Size, include_options, size_of
from tinybms_gateway.idf.budget import Budget, Share, components

HEADERS = ("event_bus_messages.h", "battery_pipeline.h", "energy_meter.h", "settings_keep.h", "victron_schedule.h")
TAKES_A_QUEUE = re.compile(
    r"(?<!esp_err_t )\b(?:event_bus_subscribe|xQueueCreate|xSemaphoreCreate\w+|uart_driver_install|[cm]alloc)\("
)


def _folder(component: str, root: Path = ROOT) -> Path:
    return root / "main" if component == "main" else root / "components" / component


def queues_in_code(component: str, root: Path = ROOT) -> int:
    """How many things the code of a component takes from the heap; event_bus itself makes those of its callers."""
    text = "".join(path.read_text() for path in sorted(_folder(component, root).glob("*.c")))
    return len(TAKES_A_QUEUE.findall(text))


@dataclass(frozen=True)
class Takers:
    """What each component takes, from the native build and the builds for small chips."""

    build: Path
    scratch: Path
    budget: Budget

    def take(self) -> dict[str, Share]:
        config = json.loads((self.build / "config/sdkconfig.json").read_text())
        pure = [Measured(chip, self.scratch).sizes for chip in CHIPS]
        types = self._type_sizes()
        return {name: self._take(name, config, pure, types) for name in components(ROOT)}

    def _take(self, name: str, config: dict[str, int], pure: list[dict[str, Size]], types: dict[str, int]) -> Share:
        native = size_of("size", self.build / f"components/{name}/lib{name}.a")
        sizes = [sizes[name] for sizes in pure] if name in pure[0] else [native]
        return Share(
            flash=max(size.flash for size in sizes),
            static_ram=max(size.static_ram for size in sizes),
            heap=sum(
                self.budget.overhead.queue + queue.bytes(config, types) for queue in self.budget.queues.get(name, [])
            ),
            stack=sum(config[symbol] + self.budget.overhead.task for symbol in task_stacks(name)),
        )

    def _type_sizes(self) -> dict[str, int]:
        """Bytes on a 32-bit chip of the types that the budget names."""
        names = sorted({q.item for qs in self.budget.queues.values() for q in qs if isinstance(q.item, str)})
        lines = [f'#include "{header}"' for header in HEADERS]
        for name in names:
            lines += [f"extern {name} size_of_{name};", f"{name} size_of_{name};"]
        source = self.scratch / "sizes.c"
        source.write_text("\n".join(lines) + "\n")
        services = [f"-I{ROOT / 'components' / name / 'include'}" for name in ("event_bus", "settings")]
        sizes = RV32.symbol_sizes(RV32.compile(source, self.scratch / "sizes", *services, *include_options()))
        return {name: sizes[f"size_of_{name}"] for name in names}


def task_stacks(component: str, root: Path = ROOT) -> list[str]:
    """Kconfig symbols that give the stacks of a component's tasks."""
    kconfig = _folder(component, root) / "Kconfig"
    return re.findall(r"config (\w+_TASK_STACK)\b", kconfig.read_text()) if kconfig.is_file() else []
