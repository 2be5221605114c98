"""A process that has the model libraries loaded and forks a runner for every Job it is given.

Importing torch and transformers takes many seconds of processor time, for a small model more
than the step itself. The local driver starts one nursery; each Job is a fork of it, in a
session of its own, and otherwise what ``python -m clt_jobs.runner`` would be. Nothing is run
here but imports, no thread is started and no device touched, so a fork is as good as new.

Requests come as JSON lines on standard input: ``{"folder": …, "arguments": […]}``; the answer
is ``{"pid": …}``; before the first, one line says ``ready``. When a child ends, its exit code is
written to ``exit`` in its folder. The nursery ends when its input does; children go on.
"""

import gc
import json
import os
import selectors
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

OUTPUT, EXIT = "output.log", "exit"
PRELOAD = (
    "torch",
    "accelerate",
    "safetensors.torch",
    "transformers.models.llama.modeling_llama",
    "transformers.tokenization_utils_tokenizers",
    "clt_jobs.train.step",
    "clt_jobs.generate.step",
    "clt_jobs.likelihood.step",
    "clt_jobs.runner.__main__",
    "clt_jobs.runner.job",
)


class Nursery:
    def __init__(self) -> None:
        self._requests = sys.stdin.buffer
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._children: dict[int, tuple[int, Path]] = {}  # pidfd: pid, folder

    def run(self) -> None:
        while True:
            for event, _ in self._selector.select():
                if event.fd != self._requests.fileno():
                    self._reap(event.fd)
                    continue
                line = self._requests.readline()
                if not line:
                    return
                request = json.loads(line)
                pid = self._fork(Path(request["folder"]), request["arguments"])
                sys.stdout.write(json.dumps({"pid": pid}) + "\n")
                sys.stdout.flush()

    def _fork(self, folder: Path, arguments: list[str]) -> int:
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            _become_runner(folder, arguments)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = (pid, folder)
        self._selector.register(pidfd, selectors.EVENT_READ)
        return pid

    def _reap(self, pidfd: int) -> None:
        pid, folder = self._children.pop(pidfd)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError):  # the folder may be gone with its driver
            partial = folder / f"{EXIT}.partial"
            partial.write_text(str(code))
            partial.replace(folder / EXIT)


def _become_runner(folder: Path, arguments: list[str]) -> None:
    """Never returns: the child runs its steps and ends."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for source in {nothing, output} - {0, 1, 2}:
            os.close(source)
        main = import_module("clt_jobs.runner.__main__").main
        code = main(arguments)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in PRELOAD:
        import_module(name)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the children
    Nursery().run()


if __name__ == "__main__":
    main()
