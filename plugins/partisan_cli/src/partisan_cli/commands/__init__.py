"""The commands of this distribution, one module each, imported when it is called."""
