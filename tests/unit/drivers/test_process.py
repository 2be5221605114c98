"""Who is alive: a process id alone is not enough."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.api.holder import LocalHolder, parse_stat
from clt_operator.drivers.process import identify, is_alive, this_host, this_process


@given(st.from_regex(r"[a-z0-9.:-]{1,20}", fullmatch=True), st.integers(1), st.integers(0))
def test_a_holder_reads_back_from_its_text(host, pid, ticks):
    holder = LocalHolder(host, pid, ticks)
    assert LocalHolder.parse(str(holder)) == holder


@pytest.mark.parametrize("text", ["", "pod:1234", "local:", "local:h:1", "local:h:x:1", "h:1:2"])
def test_other_holders_are_none_of_ours(text):
    assert LocalHolder.parse(text) is None


def test_a_command_name_with_spaces_and_parentheses_does_not_shift_the_fields():
    fields = ["S", *map(str, range(1, 30))]
    assert parse_stat(f"42 (a ) (b) c) {' '.join(fields)}") == ("S", 19)


def test_this_process_is_alive_and_the_same_id_at_another_start_is_not():
    me = this_process()
    assert me.pid == os.getpid()
    assert is_alive(me)
    assert not is_alive(LocalHolder(this_host(), me.pid, me.ticks + 1))


def test_a_zombie_has_ended():
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        holder = identify(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not collected
        assert not is_alive(holder)
