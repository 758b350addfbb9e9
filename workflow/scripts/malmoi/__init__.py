"""malmoi: the library behind the workflow's stages.

Plain arguments in, files or values out. No module here sees ``snakemake`` or the config file, so every
stage also runs, and is tested, without the workflow.
"""

__version__ = "0.1.0"

import sys
from pathlib import Path


def _keep_to_this_environment() -> None:
    """Take away what Snakemake puts behind the path of a conda environment: that of its own one.

    Packages that an environment lacks would come from there unnoticed, in whatever version. Where both are one
    environment nothing changes.
    """
    # Every script has it loaded before its first line.
    controller = sys.modules.get("snakemake")
    if controller is None or controller.__file__ is None:
        return
    folder = str(Path(controller.__file__).parents[1])
    own = [Path(entry).is_relative_to(sys.prefix) for entry in sys.path]
    if folder in sys.path and not any(own[sys.path.index(folder) :]):
        sys.path[sys.path.index(folder) :] = [str(Path(__file__).parents[1])]


_keep_to_this_environment()
