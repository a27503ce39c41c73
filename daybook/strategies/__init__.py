"""Load strategies: how staged rows become rows of their table. Each is one class in one module of this package.

A table file names a strategy in `load:` by its module. To add one, write a module with a subclass of `base.Strategy`.
`registry` finds it.
"""
