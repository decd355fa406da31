"""All tests: one folder for each part, and in this folder what no single part owns."""
