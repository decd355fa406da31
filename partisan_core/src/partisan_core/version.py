"""The version of the core, and of every first-party distribution: they are released in lock step."""

VERSION = "0.1.0"
