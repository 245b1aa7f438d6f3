"""`python -m bench [intake|live|reports|business]`: measures, and prints beside the goals."""

import argparse
import json
from typing import Any

from bench import business, ground, intake, live, reports

TO_REACH = {
    "intake": "To reach: at least 1.0 times the bare statements, one commit each (docs: 1).",
    "reports": "To reach: 10 ms over a million orders, and no more than over ten thousand (5).",
    "live": "To reach: 11 KiB a stream or less; webhook to browser p99 of 20 ms or less (2, 3).",
}


def main() -> None:
    """Run what was asked for, in a folder that goes away afterwards."""
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument(
        "which", nargs="*", choices=[[], "intake", "live", "reports", "business"], default=[]
    )
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--orders", type=int, default=business.SIZE, help="of the business")
    words.add_argument("--json", action="store_true")
    asked = words.parse_args()
    found: dict[str, Any] = {"machine": ground.machine()}
    with ground.folder() as place:
        if not asked.which or "intake" in asked.which:
            found["intake"] = intake.measure(place, asked.rounds, asked.seconds)
        if not asked.which or "live" in asked.which:
            found["live"] = live.measure(place, asked.rounds)
        if not asked.which or "reports" in asked.which:
            found["reports"] = reports.measure(place, asked.rounds)
        if "business" in asked.which:
            found["business"] = business.measure(place, asked.orders)
    if asked.json:
        print(json.dumps(found, indent=1, default=str))
        return
    for name, told in found.items():
        print(f"\n{name}\n{TO_REACH.get(name, '')}".rstrip())
        _show(told, "  ")


def _show(told: Any, margin: str) -> None:
    for name, value in told.items():
        if isinstance(value, dict):
            print(f"{margin}{name}")
            _show(value, margin + "  ")
        else:
            shown = f"{value:.3g}" if isinstance(value, float) else value
            print(f"{margin}{name:<34} {shown}")


if __name__ == "__main__":
    main()
