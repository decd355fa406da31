"""The command `partisan simulate`: scenarios, plain runs, comparisons."""
