"""Stand in for srun: start the tasks of all nodes here, hand on signals, and end all when one ends badly."""

import os
import signal
import subprocess
import sys
import time


def main(arguments: list[str]) -> int:
    """Run the command after the options once per node; return the first bad exit status."""
    first = next(n for n, argument in enumerate(arguments) if not argument.startswith("-"))
    options = dict(argument.partition("=")[::2] for argument in arguments[:first])
    assert options["--ntasks"] == options["--nodes"] and options["--ntasks-per-node"] == "1"
    assert int(options["--cpus-per-task"]) >= 1 and "--kill-on-bad-exit" in options
    tasks = [
        subprocess.Popen(
            arguments[first:],
            env={**os.environ, "SLURM_NODEID": str(node), "SLURM_PROCID": str(node)},
        )
        for node in range(int(options["--nodes"]))
    ]

    def hand_on(number: int, _: object) -> None:
        for task in tasks:
            task.send_signal(number)

    signal.signal(signal.SIGUSR1, hand_on)
    bad = 0
    while any(task.poll() is None for task in tasks):
        bad = bad or next((task.returncode for task in tasks if task.returncode), 0)
        if bad:
            time.sleep(5)
            for task in tasks:
                task.terminate()
            for task in tasks:
                task.wait()
        time.sleep(0.05)
    return bad or next((task.returncode for task in tasks if task.returncode), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
