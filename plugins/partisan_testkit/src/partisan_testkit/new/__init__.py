"""Beginnings of distributions: what `partisan new` writes."""
