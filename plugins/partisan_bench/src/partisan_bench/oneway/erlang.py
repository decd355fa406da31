"""Distributed Erlang; the same script of ours for all benchmarks."""

from partisan_bench.erlang import drive, serve

__all__ = ["drive", "serve"]
