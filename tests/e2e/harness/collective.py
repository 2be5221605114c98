"""What two pods of one Job run to show that they find each other: a sum over all of them.

It is given to ``python -c`` in the image of the Jobs, with the variables that the renderer gives
pods of a training, and knows nothing else.
"""

import os
import socket
from datetime import timedelta

import torch
import torch.distributed as dist

ranks = int(os.environ["PET_NNODES"]) * int(os.environ["PET_NPROC_PER_NODE"])
rank = int(os.environ["PET_NODE_RANK"])
address, port = os.environ["PET_MASTER_ADDR"], os.environ["PET_MASTER_PORT"]
dist.init_process_group(
    "gloo",
    init_method=f"tcp://{address}:{port}",
    rank=rank,
    world_size=ranks,
    timeout=timedelta(seconds=120),
)
value = torch.tensor([float(rank + 1)])
dist.all_reduce(value)
print(f"rank {rank} of {ranks} on {socket.gethostname()}: sum {value.item():.0f}", flush=True)
dist.destroy_process_group()
