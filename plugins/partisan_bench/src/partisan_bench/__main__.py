"""`python -m partisan_bench`: the `partisan bench` command without the `partisan` command."""

from partisan_bench.command import bench

bench(prog_name="python -m partisan_bench")
