"""The Prefect blocks that flows read, one module per block. `python -m blocks` saves them from environment variables.

A module declares its block with a `BlockDeclaration`, and is found because it is in this folder. `python -m blocks
--help` lists the variables. The modules import Daybook by its full name and each other relatively, because a wheel has
this package inside of `daybook`.
"""
