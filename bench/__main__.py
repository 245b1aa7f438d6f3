"""`python -m bench [intake|live|status|reports|overload|business]`: measures, and what to reach."""

import argparse
import json
from typing import Any

from bench import business, ground, intake, live, overload, reports, status

# From the drawings that the project was built to; the ratios are what is compared, because the
# machines differ.
TO_REACH = {
    "intake": "To reach: ratio 1.0, as many a second as the bare statements, one commit each. "
    "Elsewhere on two cores: dj-stripe 50 to 100 a second, FastAPI with SQLAlchemy 60 to 210, "
    "grouped commits behind raw ASGI 3,600 to 5,600.",
    "live": "To reach: 11 KiB a stream, webhook to browser p99 20 ms (at 10,000 streams). "
    "Elsewhere: Starlette 27 KiB, Nchan 11.3 KiB; FastAPI p99 96 to 258 ms.",
    "status": "To reach: ratio 0.8 of a bare application that reads one row. "
    "Elsewhere: FastAPI with SQLAlchemy 230 to 510 a second.",
    "reports": "To reach: 10 ms over a million orders, and no more than over ten thousand.",
}
MEASURES = ("intake", "live", "status", "reports")
MORE = ("overload", "business")


def main() -> None:
    """Run what was asked for, in a folder that goes away afterwards."""
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("which", nargs="*", choices=[[], *MEASURES, *MORE], default=[])
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
        if not asked.which or "status" in asked.which:
            found["status"] = status.measure(place, asked.rounds, asked.seconds)
        if not asked.which or "reports" in asked.which:
            found["reports"] = reports.measure(place, asked.rounds)
        if "overload" in asked.which:
            found["overload"] = overload.measure(place, asked.seconds)
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
