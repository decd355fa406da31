"""Random schedules of faults, and the witness that judges them.

    python -m partisan_testkit.schedules --overlay fullmesh --nodes 16 --seeds 0-999

runs each seed twice, compares the two logs, prints one summary line, and exits with 1 at the first
violation, after the schedule, the end of the log and the command that repeats it.
"""

from partisan_testkit.schedules.plan import Schedule as Schedule
from partisan_testkit.schedules.plan import make_schedule as make_schedule
from partisan_testkit.schedules.run import Report as Report
from partisan_testkit.schedules.run import run_schedule as run_schedule
from partisan_testkit.schedules.run import run_twice as run_twice
from partisan_testkit.schedules.witness import Violation as Violation
from partisan_testkit.schedules.witness import Witness as Witness
