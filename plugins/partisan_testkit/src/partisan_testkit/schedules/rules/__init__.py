"""The rules of a witness, one concept per file: which of them are asked follows from what an overlay promises."""
