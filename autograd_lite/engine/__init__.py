"""The engine: it records, and it walks back. It imports nothing of the rest.

To read it, in this order: `tensor` (what a graph is made of), `op` (how it is recorded), `backward`
(the one backward pass), `modes` (what stands at its borders). `notes`, `later` and `leaves` serve
others.
"""
