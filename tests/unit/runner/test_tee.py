"""What a step prints is kept, whoever prints it, without its secrets."""

import os
import subprocess
import sys

from clt_jobs.runner import tee as module
from clt_jobs.runner.tee import Tee


def test_prints_of_python_of_descriptors_and_of_children_are_kept(tmp_path, capfd):
    with Tee(tmp_path / "log.txt", str) as tee:
        print("from print")
        print("from stderr", file=sys.stderr)
        os.write(1, b"from the descriptor\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        os.write(2, b"no newline at the end")
    text = tee.kept().decode()
    for part in ("print", "stderr", "the descriptor", "a child"):
        assert f"from {part}\n" in text
    assert text.endswith("no newline at the end")
    assert "from the descriptor" in capfd.readouterr().out


def test_the_last_words_of_a_process_that_dies_are_in_the_file(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from clt_jobs.runner.tee import Tee\n"
        "with Tee(Path(sys.argv[1]), str):\n"
        "    print('last words'); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "log.txt"
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    assert path.read_bytes() == b"last words\n"


def test_both_copies_are_redacted(tmp_path, capfd):
    with Tee(tmp_path / "log.txt", lambda text: text.replace("sesame", "[redacted]")) as tee:
        print("open sesame")
    assert tee.kept() == b"open [redacted]\n"
    assert "sesame" not in capfd.readouterr().out


def test_output_goes_where_it_went_before_afterwards(tmp_path, capfd):
    with Tee(tmp_path / "log.txt", str) as tee:
        print("inside")
    os.write(1, b"outside\n")
    assert tee.kept() == b"inside\n"
    assert "outside" in capfd.readouterr().out


def test_the_middle_of_a_very_long_log_is_left_out_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT_HEAD", 10)
    monkeypatch.setattr(module, "KEPT_TAIL", 10)
    with Tee(tmp_path / "log.txt", str) as tee:
        print("a" * 10 + "b" * 80 + "c" * 9)
    assert tee.kept() == b"a" * 10 + b"\n[80 bytes left out]\n" + b"c" * 9 + b"\n"


def test_bytes_that_are_no_text_do_not_stop_it(tmp_path):
    with Tee(tmp_path / "log.txt", str) as tee:
        os.write(1, b"\xff\xfe\n" + b"x" * 200_000 + b"\nend\n")
    assert tee.kept().endswith(b"\nend\n")
