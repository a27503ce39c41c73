"""The Prefect blocks that flows read, one module a block: `python -m blocks` makes them from the environment.

A module declares its block with a `BlockDeclaration`, and is found by being here. `python -m blocks --help` lists the
variables. The modules import Daybook by its full name and each other relatively, as a wheel has this package inside of
`daybook`.
"""
