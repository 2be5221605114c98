"""The bridge that pods and control plane meet on, and the rules that programs of ours write.

The bridge is there before the API server starts, which listens on its address. kube-proxy, the
kubelet and the CNI plug-ins write iptables chains that begin with KUBE- and CNI-; a machine that
has such chains beforehand runs a Kubernetes of its own and is left alone.
"""

import json
import re
import subprocess
from pathlib import Path

BRIDGE = "clt-e2e"
GATEWAY = "10.244.0.1"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
PLUGINS = Path("/usr/lib/cni")
TABLES = ("filter", "nat", "mangle")
OURS = re.compile(r"^(KUBE-|CNI-)")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
RANGES = (("10.244.0.2", "10.244.0.127"), ("10.244.0.128", "10.244.0.254"))  # one a node


def in_use() -> str:
    """Why this machine's network cannot be ours; empty where it can."""
    for table in TABLES:
        if chains := [name for name in _chains(table) if OURS.match(name)]:
            return f"iptables has the chain {chains[0]}: this machine runs a Kubernetes of its own"
    routes = _ip("route", "show", PODS).strip()
    return f"another link has the network {PODS}: {routes}" if routes else ""


def up() -> None:
    """Makes the bridge."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def down() -> None:
    """Removes the bridge and every rule of ours."""
    if Path("/sys/class/net", BRIDGE).exists():
        _ip("link", "delete", BRIDGE)
    for table in TABLES:
        _clear(table)


def forwards() -> str:
    """Whether the kernel forwards packets, as it writes it; the bridge plug-in turns that on."""
    return FORWARDING.read_text().strip()


def write_cni(directory: Path, number: int) -> Path:
    """The configuration of a node's pods: addresses of its own part of the network."""
    first, last = RANGES[number]
    addresses = {"subnet": PODS, "rangeStart": first, "rangeEnd": last, "gateway": GATEWAY}
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": str(directory / "addresses"),
            "ranges": [[addresses]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    folder = directory / "cni"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "10-clt.conflist").write_text(
        json.dumps({"cniVersion": "0.4.0", "name": BRIDGE, "plugins": plugins})
    )
    return folder


def _clear(table: str) -> None:
    """Rules that lead to chains of ours go first, then what is in the chains, then the chains;
    all in one transaction."""
    rules = [line for line in _iptables(table, "-S").splitlines() if line.startswith("-A ")]
    outside = [rule for rule in rules if not OURS.match(rule.split()[1])]
    leading = [rule for rule in outside if re.search(r"-[jg] (KUBE-|CNI-)", rule)]
    chains = [name for name in _chains(table) if OURS.match(name)]
    lines = [f"-D {rule.removeprefix('-A ')}" for rule in leading]
    lines += [f"{option} {chain}" for option in ("-F", "-X") for chain in chains]
    if lines:
        text = "\n".join([f"*{table}", *lines, "COMMIT", ""])
        _run("iptables-restore", "-w", "--noflush", stdin=text)


def has_chain(table: str, name: str) -> bool:
    """Whether a program has written this chain."""
    return name in _chains(table)


def _chains(table: str) -> list[str]:
    lines = _iptables(table, "-S").splitlines()
    return [line.split()[1] for line in lines if line.startswith("-N ")]


def _iptables(table: str, *arguments: str) -> str:
    return _run("iptables", "-w", "-t", table, *arguments)


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*command: str, stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
