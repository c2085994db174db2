"""python -m tests.faults.simulation [--count 500] [--seed 0]: so many schedules, from this seed on."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.faults.simulation.campaign import run_many


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="schedules (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default: %(default)s)")
    return parser.parse_args()


def main() -> int:
    """0 where every promise was kept and every fault happened."""
    logging.disable(logging.CRITICAL)
    asked = _arguments()
    started = time.perf_counter()
    campaign = run_many(range(asked.seed, asked.seed + asked.count))
    print(campaign.report())
    print(f"{asked.count / (time.perf_counter() - started):.0f} schedules a second")
    print(campaign.verdict())
    return 0 if campaign.passed else 1


if __name__ == "__main__":
    sys.exit(main())
