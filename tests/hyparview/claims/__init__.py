"""What is claimed of HyParView at scale, measured: `python -m tests.hyparview.claims --help`."""
