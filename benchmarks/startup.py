"""How quickly ``cltctl`` answers: its help, its version, the plan of the reference study.

    python benchmarks/startup.py [RUNS]

Target: the help in under 0.3 s.
"""

import sys

from measured import CLTCTL, ROOT, conditions, measure

REFERENCE = str(ROOT / "examples" / "post-trainers-guide.yaml")
COMMANDS = (["--help"], ["version"], ["plan", REFERENCE, "-o", "json"])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print("# Start-up\n")
    print(f"Median of {runs} (least to most), largest memory.\n")
    print("| command | time | processor | memory |\n| --- | --- | --- | --- |")
    for words in COMMANDS:
        shown = " ".join(["cltctl", *words]).replace(f"{ROOT}/", "")
        print(f"| `{shown}` | {measure([str(CLTCTL), *words], runs)} |", flush=True)
    print(f"\n{conditions()}")


if __name__ == "__main__":
    main()
