"""The names of jobs: a setting takes those of the schedule, and no others."""

from __future__ import annotations

import pytest

from tallystick.domain.errors import NotConfigured
from tallystick.flows.schedule import SCHEDULE, refuse_unknown
from tallystick.products import EXTENSIONS


def test_every_job_of_the_schedule_can_be_named_in_a_setting():
    refuse_unknown([*SCHEDULE, "release-holds", "sync-discounts"], EXTENSIONS)


def test_a_name_that_nobody_knows_is_answered_with_those_that_there_are():
    with pytest.raises(
        NotConfigured, match=r"no job 'Audit'; there are .*\baudit\b.*release-holds"
    ):
        refuse_unknown(["tidy", "Audit"], EXTENSIONS)
