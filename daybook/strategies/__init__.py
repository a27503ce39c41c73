"""Load strategies: how staged rows become rows of their table. Each is one class in one module of this package.

The module's name is what a table file says in `load:`. `registry` finds the modules, so a new strategy needs no other
file: write a subclass of `base.Strategy`.
"""
