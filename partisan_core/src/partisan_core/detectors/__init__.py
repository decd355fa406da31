"""The failure detector of the core, a plugin module like any other's."""
