"""Three nodes."""

from partisan_causal import Life

A, B, C = Life("a", 1), Life("b", 1), Life("c", 1)
