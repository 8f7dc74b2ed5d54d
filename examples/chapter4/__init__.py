"""The chapter, from its data to its results: ``python -m examples.chapter4 --out DIR``.

To read, in this order: `data`, `networks` (each network with the book's starting weights, and its
training), `sections` (the book's numbers beside ours), `plots` and `figures`, `page`, `__main__`.
`by_hand` is the loop without an engine that 4.4.2 is held against.
"""
