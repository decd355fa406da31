"""Transports that ship with the core. Each module is a plugin like a stranger's."""
