"""malmoi: the library behind the workflow's stages.

Plain arguments in, files or values out. No module here sees ``snakemake`` or the config file, so every
stage also runs, and is tested, without the workflow.
"""

__version__ = "0.1.0"
