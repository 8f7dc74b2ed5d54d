"""What all readers show alike: notation, the steps of a graph, and one writer of formulas.

`notation` says how an op is written, `writer` folds an expression or a recorded graph by it, and
each markup is a table for it: `text`, `latex`, `mathml`, `labels` (DOT), `source` (NumPy code).
`words` are those of pages, figures and derivations, in each language.
"""
