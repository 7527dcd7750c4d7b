"""How the book is made: what its pages insert from the sources, its pictures, its checks.

`make docs` builds the site of `docs/` with MkDocs; `hooks` is what MkDocs calls. Nothing here is
part of the package that users install.
"""
