"""The program `tallystick`, with one entry more in its catalogue and nothing else changed."""

from tallystick import catalogue
from tallystick.cli import app
from tests.seventh import SEVENTH

# The program reads the catalogue only when a command runs.
vars(catalogue)["GATEWAYS"] += (SEVENTH,)

app()
