"""The names of jobs: a setting takes those of the schedule, and no others."""

from __future__ import annotations

import pytest

from tallystick.domain.job_names import JOB_NAMES, known_job
from tallystick.flows.schedule import SCHEDULE


def test_every_job_of_the_schedule_can_be_named_in_a_setting():
    assert tuple(SCHEDULE) == JOB_NAMES
    assert [known_job(name) for name in SCHEDULE] == list(SCHEDULE)


def test_a_name_that_nobody_knows_is_answered_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no job 'Audit'; there are .*\baudit\b"):
        known_job("Audit")
