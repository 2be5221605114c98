"""Who a process is among those that work together, from the variables of its pod."""

import pytest

from clt_jobs.runner.world import World, computed_together

PODS = {"PET_NNODES": "3", "PET_NPROC_PER_NODE": "4", "PET_MASTER_ADDR": "job-0.job"}


def test_without_variables_a_process_is_alone():
    assert World.of({}).size == 1
    assert World.of({}).rank == 0


@pytest.mark.parametrize(("node", "local", "rank"), [("0", 0, 0), ("0", 3, 3), ("2", 1, 9)])
def test_ranks_are_numbered_node_by_node(node, local, rank):
    world = World.of(PODS | {"PET_NODE_RANK": node}, local)
    assert (world.rank, world.size) == (rank, 12)
    told = world.variables()
    assert (told["RANK"], told["LOCAL_RANK"], told["WORLD_SIZE"]) == (str(rank), str(local), "12")
    assert world.name(rank) == f"rank {rank} (node {node})"


@pytest.mark.parametrize(
    ("changes", "local", "said"),
    [
        ({"PET_NNODES": "1:4"}, None, "PET_NNODES=1:4"),
        ({"PET_NPROC_PER_NODE": "auto"}, None, "PET_NPROC_PER_NODE=auto"),
        ({"PET_NODE_RANK": "3"}, None, "PET_NODE_RANK=3: there are 3 nodes"),
        ({"PET_MASTER_ADDR": ""}, None, "PET_MASTER_ADDR is not set"),
        ({"CLT_RENDEZVOUS_SECONDS": "0"}, None, "CLT_RENDEZVOUS_SECONDS=0"),
        ({}, 4, "local rank 4"),
    ],
)
def test_variables_that_make_no_sense_are_named(changes, local, said):
    with pytest.raises(ValueError, match=said):
        World.of(PODS | changes, local)


def test_only_kinds_that_say_so_are_computed_together():
    assert computed_together("train")
    assert not computed_together("generate")
    assert not computed_together("unheard of")


def test_provenance_tells_the_processes_that_computed():
    world = World.of(PODS)
    assert world.record("train", "gloo") == {"size": 12, "nodes": 3, "backend": "gloo"}
    assert world.record("score", "") == {"size": 1, "nodes": 1, "backend": ""}
