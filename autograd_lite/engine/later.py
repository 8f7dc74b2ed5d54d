"""What the engine asks of the rest, which puts it here once it is there.

So nothing is imported in a circle. `later` has:
    constant: ``(op, x)`` → an operand that is neither Tensor nor number, as an array;
        NotImplemented where it wants to handle operators itself.
    as_array: ``x`` → what is no ndarray as one, or as what else may be an array.
    own: ``(arrays, inputs)``, where constants among the arrays are to be copies.
    elsewhere: ``(forward, inputs, arrays, params)`` → the value, of other libraries' arrays.
    made: ``(op, inputs, params)`` → notes on what isn't recorded.
    explain: ``(op, inputs, arrays, params, error)`` → what to raise where a forward raised.
    wrong_cotangent: ``(op, got, wanted)`` → what to raise where a rule gave what doesn't fit.
    as_it_was: the op for a leaf with the value that it had before.
    within: ``(mode, function)`` → the function, each call of which is within such a block.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

later: Any = SimpleNamespace()
