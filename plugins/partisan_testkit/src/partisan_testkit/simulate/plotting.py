"""Pictures of a run, with matplotlib, which is an optional extra."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from partisan_core.errors import PartisanError
from partisan_testkit.simulate.running import Report
from partisan_testkit.simulator.graph import Graph

INSTALL = "pip install 'partisan-testkit[plot]'"


class NoPlotting(PartisanError):
    """There is nothing to draw with."""


def check_plotting() -> None:
    """See that there is something to draw with, before anything runs.

    Raises:
        NoPlotting: there is not.
    """
    if find_spec("matplotlib") is None:
        raise NoPlotting(
            f"--plot draws with matplotlib, which is not installed; nothing was run. Install it: {INSTALL}"
        )


def plot(report: Report, path: Path) -> None:
    """Draw in-degrees at each checkpoint, the reliability of each broadcast, and the sizes of views over time.

    Raises:
        OSError: the file cannot be written.
    """
    figure = import_module("matplotlib.figure").Figure(figsize=(15, 4.5), layout="constrained")
    degrees, reliability, views = figure.subplots(1, 3)
    figure.suptitle(f"{report.overlay}, {report.nodes} nodes, seed {report.seed}")
    _draw_in_degrees(degrees, report)
    _draw_reliability(reliability, report)
    _draw_views(views, report)
    figure.savefig(path)


def _draw_in_degrees(axes: Any, report: Report) -> None:  # noqa: ANN401 - matplotlib may not be there to name it
    degrees = [Graph(checkpoint.active).in_degrees() for checkpoint in report.checkpoints]
    axes.set(title="in-degrees", xlabel="living nodes that want a link to it", ylabel="nodes")
    if degrees:
        bins = range(max(max(one, default=0) for one in degrees) + 2)
        axes.hist(degrees, bins=bins, align="left", label=[checkpoint.name for checkpoint in report.checkpoints])
        axes.legend()


def _draw_reliability(axes: Any, report: Report) -> None:  # noqa: ANN401
    shares = [100 * told.reliability for told in report.floods]
    axes.plot(range(1, len(shares) + 1), shares, marker="o")
    axes.set(title="reliability of each broadcast", xlabel="broadcast", ylabel="% of the living", ylim=(0, 105))
    axes.xaxis.get_major_locator().set_params(integer=True)


def _draw_views(axes: Any, report: Report) -> None:  # noqa: ANN401
    times = [sample.time for sample in report.samples]
    axes.plot(times, [sample.links for sample in report.samples], label="links")
    axes.plot(times, [sample.members for sample in report.samples], label="members known")
    axes.set(title="sizes of views, in the mean", xlabel="simulated seconds", ylabel="nodes", ylim=(0, None))
    axes.legend()
