"""``python -m clt_jobs.runner --store URI [--scratch DIR] KEY [KEY …]``: what every Job runs.

It is process 1 of its container, whom signals only reach once they have a handler: that comes
first, and everything that takes time to load comes after it.
"""

import sys
from collections.abc import Sequence

from clt_jobs.runner.stop import Stop


def main(arguments: Sequence[str] | None = None) -> int:
    stop = Stop()
    stop.listen()
    from clt_jobs.runner.job import run_job

    return run_job(sys.argv[1:] if arguments is None else arguments, stop)


if __name__ == "__main__":
    sys.exit(main())
