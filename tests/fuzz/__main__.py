"""The long run: `python -m tests.fuzz --minutes 10`, of all targets or of those named; `make fuzz` calls it.

Each target is tried in a process of its own, so that one that dies (a reader in C or Rust may) is a finding as well.
Failing inputs are kept below .fuzz/failures; `--replay` checks such a folder again.
"""

import argparse
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts.lib.study.resolve import ROOT
from tests.fuzz.engine import KEPT, TARGET, Hunt, by_atheris, replay
from tests.fuzz.targets import TARGETS

SECONDS_BETWEEN_LINES = 10
FAILURES, ERRORS = "failures", "errors"


def main() -> int:
    arguments = parsed()
    if arguments.replay:
        print(replay(arguments.replay, TARGETS))
        return 0
    if arguments.worker:
        return work(Hunt(TARGETS[arguments.worker]), arguments.seconds, arguments.atheris)
    names = arguments.targets or list(TARGETS)
    seconds, engine = 60 * arguments.minutes / len(names), "atheris" if arguments.atheris else "hypothesis"
    print(f"{len(names)} targets, {seconds:.0f} s each, inputs by {engine}", flush=True)
    start = time.monotonic()
    results = {name: run(name, seconds, arguments.atheris) for name in names}
    return summary(results, time.monotonic() - start)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all where none is named: {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=10, help="of all targets together (10)")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="check a folder below .fuzz/failures again")
    parser.add_argument("--atheris", action="store_true", help="let atheris choose the inputs, where it is installed")
    parser.add_argument("--worker", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - TARGETS.keys():
        parser.error(f"no target {', '.join(unknown)}: there are {', '.join(TARGETS)}")
    if arguments.atheris and importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed: pip install atheris, or leave --atheris out")
    return arguments


def run(name: str, seconds: float, atheris: bool) -> dict[str, int]:
    """Counts of outcomes of one target, tried in another process; its lines are printed as they come."""
    command = [sys.executable, "-m", "tests.fuzz", "--worker", name, "--seconds", str(seconds)]
    command += ["--atheris"] if atheris else []
    counts: dict[str, int] = {}
    (KEPT / ERRORS).mkdir(parents=True, exist_ok=True)
    errors = KEPT / ERRORS / f"{name}.txt"  # libraries in Rust and C++ write there, also where all is well
    with (
        errors.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=file, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                counts = json.loads(line)
            else:
                print(f"  {name}: {line}", end="", flush=True)
    if process.returncode not in (0, 1) or (process.returncode and not counts.get("failures")):
        counts["failures"] = counts.get("failures", 0) + 1
        print(f"  {name}: ended with {process.returncode}; what it read last: {kept_of_dead(name)}", flush=True)
        print("    " + "\n    ".join(errors.read_text(errors="replace").splitlines()[-5:]), flush=True)
    return counts


def kept_of_dead(name: str) -> str:
    """The case that a process was reading when it died, moved to where failures are kept."""
    last, kept = KEPT / "now" / name, KEPT / FAILURES / f"{name}-died-{int(time.time())}"
    if not last.is_dir():
        return "nothing"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(last, kept)
    (kept / TARGET).write_text(name, encoding="utf-8")
    return str(kept.relative_to(ROOT))


def work(hunt: Hunt, seconds: float, atheris: bool) -> int:
    """Try one target in this process."""
    if atheris:
        by_atheris(hunt, seconds, importlib.import_module("atheris"))
    said = time.monotonic()
    shown: set[str] = set()
    for _ in hunt.run(seconds):
        for key, folder in hunt.failures.items():
            if key not in shown:
                print(f"failed: {key}; replay: python -m tests.fuzz --replay {folder.relative_to(ROOT)}", flush=True)
                shown.add(key)
        if time.monotonic() - said > SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            print(", ".join(f"{count} {outcome}" for outcome, count in sorted(hunt.counts.items())), flush=True)
            print(json.dumps({**hunt.counts, "failures": len(hunt.failures)}), flush=True)
    print(json.dumps({**hunt.counts, "failures": len(hunt.failures)}), flush=True)
    return 1 if hunt.failures else 0


def summary(results: dict[str, dict[str, int]], seconds: float) -> int:
    """Print a table of all targets; returns the exit status."""
    total = {"accepted": 0, "refused": 0, "failures": 0}
    print(f"\n{'target':<18}{'cases':>9}{'accepted':>10}{'refused':>9}{'failures':>10}")
    for name, counts in results.items():
        row = [counts.get(key, 0) for key in total]
        total = {key: total[key] + count for key, count in zip(total, row, strict=True)}
        print(f"{name:<18}{row[0] + row[1]:>9}{row[0]:>10}{row[1]:>9}{row[2]:>10}")
    cases = total["accepted"] + total["refused"]
    print(f"{'all':<18}{cases:>9}{total['accepted']:>10}{total['refused']:>9}{total['failures']:>10}")
    print(f"{seconds / 60:.1f} minutes" + ("; the inputs are in .fuzz/failures" if total["failures"] else ""))
    return 1 if total["failures"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
