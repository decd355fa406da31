"""Whole nodes in one process: real nodes, a virtual network, virtual time, and one seed that decides everything.

    async with partisan_testkit.cluster(3, seed=7) as cluster:
        cluster.partition({"node-0"}, {"node-1", "node-2"})
        await cluster.run_for(minutes=10)

is for tests of applications. `python -m partisan_testkit.wholenodes --overlay fullmesh --seeds 0-49` performs random
schedules of faults, as `partisan_testkit.schedules` does with strategies alone, and looks at what nodes promise.
"""
