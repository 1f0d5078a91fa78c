"""What a build leaves outside of the build directory."""

import shutil
from pathlib import Path

CONFIG = ("sdkconfig", "sdkconfig.old")
COMPONENTS = ("managed_components", "dependencies.lock")


def remove(project: Path, config: bool, components: bool) -> list[Path]:
    """Remove the configuration and what the component manager fetched; returns what was there.

    Raises:
        OSError: something cannot be removed.
    """
    names = (CONFIG if config else ()) + (COMPONENTS if components else ())
    there = [project / name for name in names if (project / name).exists()]
    for path in there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return there
