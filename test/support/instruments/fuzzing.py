"""Runs libFuzzer targets, reads their figures, and keeps what crashed them."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

FUZZ = ROOT / "test/fuzz"
INPUT_MAX = 512


class CrashError(Exception):
    """A target did not survive an input; the text says where the input is kept."""


@dataclass(frozen=True)
class Fuzzed:
    """What a run of libFuzzer achieved."""

    executions_per_second: int
    edges: int
    """Edges of the control flow that were covered, of the code under test and of the target."""


def targets(folder: Path = FUZZ) -> list[str]:
    return sorted(path.stem.removeprefix("fuzz_") for path in folder.glob("fuzz_*.c"))


def fuzz(program: Path, seconds: int, corpus: Path, regressions: Path) -> Fuzzed:
    """Fuzz for a time; what is found new is thrown away, the corpus in the tree stays small.

    Raises:
        CrashError: with the place of the input.
    """
    with tempfile.TemporaryDirectory(prefix="tinybms-fuzz-") as name:
        scratch = Path(name)
        (scratch / "found").mkdir()
        ended = subprocess.run(
            [program, f"-max_total_time={seconds}", f"-max_len={INPUT_MAX}", "-print_final_stats=1",
             f"-artifact_prefix={scratch}/", scratch / "found", corpus, regressions],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, errors="replace",
            timeout=seconds + 120,
        )  # fmt: skip
        if ended.returncode != 0:
            raise CrashError(_keep(scratch, regressions, ended.stderr))
    edges = [int(found) for found in re.findall(r"\bcov: (\d+)", ended.stderr)]
    rate = re.search(r"stat::average_exec_per_sec:\s+(\d+)", ended.stderr)
    assert edges and rate, ended.stderr[-2000:]
    return Fuzzed(int(rate[1]), edges[-1])


def _keep(scratch: Path, regressions: Path, said: str) -> str:
    reason = next((line for line in said.splitlines() if re.search(r"must hold:|ERROR:|runtime error:", line)), "")
    kept = []
    for artifact in sorted(path for path in scratch.iterdir() if path.is_file()):
        shutil.copy(artifact, regressions / artifact.name)
        kept.append(str(regressions / artifact.name))
    where = ", ".join(kept) if kept else "no input was left"
    return f"{reason or said[-500:]}\nkept for 'make test', rename it after what it shows: {where}"
