"""What a terminal shows of a QR code is the code."""

from __future__ import annotations

import segno

from tallystick.cli.terminal import qr

PAYLOAD = "00020101021238610010A0000007270131000697042201"
# The upper and the lower half of a character: True where it is light.
HALVES = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
QUIET = 2


def test_the_half_blocks_are_the_modules_of_the_code():
    drawn = [line[2:] for line in qr(PAYLOAD, coloured=False).splitlines()]

    read = [[HALVES[sign][half] for sign in line] for line in drawn for half in (0, 1)]
    matrix = segno.make_qr(PAYLOAD, error="m", boost_error=False).matrix
    size = len(matrix)
    inner = [row[QUIET : QUIET + size] for row in read[QUIET : QUIET + size]]
    assert inner == [[not module for module in row] for row in matrix]


def test_a_dark_and_a_light_terminal_show_the_same_colours():
    lines = qr(PAYLOAD, coloured=True).splitlines()

    assert all(line.startswith("  \033[40;97m") and line.endswith("\033[0m") for line in lines)
