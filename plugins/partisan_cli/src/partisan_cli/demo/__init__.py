"""The demo: a real cluster of processes counts the words of real files, survives a kill, and proves its answer.

General layout. The application that runs in every node is pure: `messages`, `roster` (who lives), `placement` (whose
file), `results` (what was counted), `fetching` (whom to ask for what is missing), `application` (the whole).
`worker` runs it on a node, in a process of its own; `reporting` is the language that it speaks with the conductor.
Around it: `sources` and `tally` (files and their words), `plan` (who takes part and who is to be killed),
`chronicle` (what the conductor knows, pure), `conductor` (starts, kills, restarts), `reference` (the count of one
process), `outcome`, and `audience` and `live` (what people see).
"""
