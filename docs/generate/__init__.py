"""Write the generated parts of the pages in docs/: `python -m docs.generate`, or `make docs`.

A generated part is between two comments: `<!-- generated: NAME ARGUMENTS -->` and `<!-- end -->`. NAME is a function
of `parts`. The text around the parts is written by hand. A test fails if a part is not what the code gives now.
"""
