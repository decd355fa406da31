"""The channel policies of the core, each a plugin module like any other's."""
