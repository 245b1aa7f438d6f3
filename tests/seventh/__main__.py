"""The program `tallystick`, with one gateway more to simulate and nothing else changed."""

from tallystick.cli import app
from tallystick.sandbox import catalogue
from tests.seventh import SEVENTH

# The program reads the catalogue only when a command runs.
vars(catalogue)["SIMULATED"] += (SEVENTH,)

app()
