"""The local stack: everything that `make demo` starts on one machine."""
