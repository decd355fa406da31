"""`python -m partisan_cli.demo`: the `partisan demo` command without the `partisan` command."""

from partisan_cli.demo.command import demo

demo(prog_name="python -m partisan_cli.demo")
