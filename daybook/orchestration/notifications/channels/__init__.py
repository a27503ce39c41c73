"""The notification channels, one in each module. A module that defines a `Channel` is found by `registry`."""
