"""`python -m partisan_cli` is `partisan`."""

from partisan_cli import main

main()
