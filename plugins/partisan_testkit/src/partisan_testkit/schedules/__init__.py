"""Random schedules of faults for every overlay, and the witness that judges them.

    python -m partisan_testkit.schedules --overlay fullmesh,hyparview --nodes 16 --seeds 0-999 --jobs 2

prints one line per overlay, and exits with 1 at the first violation, after the smallest schedule that shows it, the
end of the log and the command that repeats it.
"""

from partisan_testkit.schedules.command import Outcome as Outcome
from partisan_testkit.schedules.command import run_seed as run_seed
from partisan_testkit.schedules.command import run_seeds as run_seeds
from partisan_testkit.schedules.plan import Schedule as Schedule
from partisan_testkit.schedules.plan import make_schedule as make_schedule
from partisan_testkit.schedules.run import Report as Report
from partisan_testkit.schedules.run import run_schedule as run_schedule
from partisan_testkit.schedules.run import run_twice as run_twice
from partisan_testkit.schedules.settings import ClusterSettings as ClusterSettings
from partisan_testkit.schedules.settings import settings_of as settings_of
from partisan_testkit.schedules.violation import Violation as Violation
from partisan_testkit.schedules.witness import Witness as Witness
