"""A term as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..show.notation import number
from . import terms
from .terms import Term, as_number

SUM, PRODUCT, MATMUL, PREFIX, POWER, ATOM = range(6)
FUNCTIONS = {"sigmoid": "σ", "sum": "Σ", "maximum": "max", "sqrt": "√", "logsumexp": "log Σ exp"}
COMPARED = {"greater": ">", "less": "<", "greater_equal": "≥", "less_equal": "≤", "equal": "="}


class Writer:
    def __init__(self, names: dict[Term, str] | None = None, rows: int | None = None, first: set | None = None) -> None:
        self.names, self.rows, self.first = names or {}, rows, first or set()
        self.unnamed: dict[Term, str] = {}

    def text(self, root: Term) -> str:
        done: dict[Term, tuple[str, int]] = {}
        stack = [(root, False)]
        while stack:
            e, ready = stack.pop()
            if e in done:
                continue
            if not ready:
                stack.append((e, True))
                if e.op != "leaf" and (e not in self.names or e is root):
                    below = [f for f, _ in e.args] if e.op in "+*" else list(e.args)
                    below += [g for x in below if x.op in "+*" for g, _ in x.args]
                    stack += [(x, False) for x in below]
            else:
                done[e] = self.write(e, done, e is root)
        return done[root][0]

    def write(self, e: Term, done: Any, is_root: bool) -> tuple[str, int]:
        def at(x: Term, level: int) -> str:
            text, own = done[x]
            return text if own >= level else f"({text})"

        if e in self.names and not is_root:
            return self.names[e], ATOM
        n = as_number(e)
        if n is not None:
            return number(n), ATOM if n >= 0 else PREFIX
        if e.op == "leaf":
            return e.name or self.unnamed.setdefault(e, f"c_{len(self.unnamed) + 1}"), ATOM
        if e.op == "+":
            return self.sum(e, done, at)
        if e.op == "*":
            return self.product(e, 1.0, at)
        if e.op == "matmul":
            a, b = e.args
            if len(a.shape) == 1:
                if len(b.shape) == 1:
                    return f"{at(a, PREFIX)}ᵀ {at(b, PREFIX)}", MATMUL
                return f"{at(b, ATOM)}ᵀ {at(a, PREFIX)}", MATMUL
            return f"{at(a, MATMUL)} {at(b, PREFIX)}", MATMUL
        if e.op == "reshape" and e.args[0].shape == e.shape[::-1]:
            return f"{at(e.args[0], ATOM)}ᵀ", ATOM
        if e.op in ("reshape", "broadcast_to"):
            return done[e.args[0]]
        if e.op == "transpose":
            if e.params["axes"][-2:] == (len(e.shape) - 1, len(e.shape) - 2):
                return f"{at(e.args[0], ATOM)}ᵀ", ATOM
            return f"transpose({done[e.args[0]][0]})", ATOM
        if e.op == "sum":
            x = e.args[0]
            if x.op == "*" and len(x.shape) == 1 and [p for _, p in x.args] == [1, 1]:
                return f"{at(x.args[0][0], ATOM)}ᵀ {at(x.args[1][0], PREFIX)}", MATMUL
            if x.op != "*" and e.params["axes"] == {0} and len(x.shape) == 2:
                return f"1ᵀ {at(x, MATMUL)}", MATMUL
            over = "" if len(e.params["axes"]) == sum(n != 1 for n in x.shape) else "_" + ",".join("ijklmnopq"[a] for a in sorted(e.params["axes"]))
            return f"Σ{over}({done[x][0]})", ATOM
        if e.op == "pick":
            return f"Σ_{','.join('ijklmnopq'[a] for a in e.params['axes'])}({at(e.args[1], PREFIX)} ∘ {at(e.args[0], PREFIX)})", ATOM
        if e.op in COMPARED:
            return f"[{done[e.args[0]][0]} {COMPARED[e.op]} {done[e.args[1]][0]}]", ATOM
        if e.op == "absolute":
            return f"|{done[e.args[0]][0]}|", ATOM
        if e.op == "getitem":
            from ..ops.indexing import _written

            return _written([at(e.args[0], ATOM)], e.params), ATOM
        return f"{FUNCTIONS.get(e.op, e.op)}({', '.join(done[x][0] for x in e.args)})", ATOM

    def sum(self, e: Term, done: Any, at: Any) -> tuple[str, int]:
        k, rest = terms.coefficient(e)
        if len(e.args) == 1 or (k != 1 and abs(k) != 1):
            if len(e.args) == 1:
                f = e.args[0][0]
                return self.product(f if f.op == "*" else None, k, at, f)
            if k < 0 and any(c < 0 for _, c in rest.args):
                return self._scaled(f"({self.terms([(f, -c) for f, c in rest.args], at)})", -k)
            return self._scaled(f"({self.terms(rest.args, at)})", k)
        return self.terms(e.args, at), SUM

    def terms(self, args: Any, at: Any) -> str:
        text = ""
        for f, c in sorted(args, key=lambda z: z[1] < 0):
            part = number(abs(c)) if f is terms.one() else self.product(f if f.op == "*" else None, abs(c), at, f)[0]
            text += (f" {'+' if c > 0 else '−'} " if text else "" if c > 0 else "−") + part
        return text

    def _scaled(self, text: str, k: float) -> tuple[str, int]:
        sign, k = "−" if k < 0 else "", abs(k)
        if k == 1:
            return sign + text, PREFIX if sign else PRODUCT
        if self.rows and abs(k * self.rows - 1) < 1e-12:
            return f"{sign}{text} / q", PRODUCT
        if self.rows and abs(k * self.rows - round(k * self.rows)) < 1e-9 and round(k * self.rows) in (2, 3, 4) and len(f"{k:.12g}") > 4:
            return f"{sign}{round(k * self.rows)} · {text} / q", PRODUCT
        if k < 1 and abs(1 / k - round(1 / k)) < 1e-12 and len(f"{k:.12g}") > 4:
            return f"{sign}{text} / {round(1 / k)}", PRODUCT
        return f"{sign}{number(k)} · {text}", PRODUCT

    def product(self, e: Term | None, k: float, at: Any, alone: Term | None = None) -> tuple[str, int]:
        factors = [(alone, 1.0)] if e is None else list(e.args)

        def key(z: Any) -> Any:
            f = z[0]
            return (f.op != "matmul" and not _holds(f, self.first), f.id)

        above = []
        for f, p in sorted(factors, key=key):
            if p == 1 and k < 0 and f.op == "+" and f not in self.names and any(c < 0 for _, c in f.args):
                above.append(f"({self.terms([(g, -c) for g, c in f.args], at)})")
                k = -k
            elif p > 0:
                above.append(self.power(f, p, at, len(factors) > 1 or k != 1))
        below = [self.power(f, -p, at, True) for f, p in factors if p < 0]
        outer = self._outer([f for f, p in factors if p > 0])
        if outer:
            text = outer(at)
        else:
            text = " ∘ ".join(above) or "1"
        if below:
            text += " / " + (below[0] if len(below) == 1 else "(" + " ∘ ".join(below) + ")")
        if k == 1:
            single = len(factors) == 1 and not below
            return text, (POWER if factors[0][1] != 1 else MATMUL if factors[0][0].op == "matmul" else ATOM if single else PRODUCT) if single else PRODUCT
        return self._scaled(text, k)

    def _outer(self, factors: list[Term]) -> Any:
        """v wᵀ where a column and a row of vectors meet."""
        left = [f for f in factors if f.op == "reshape" and len(f.args[0].shape) == 1 and len(f.shape) == 2 and f.shape[1] == 1]
        right = [f for f in factors if len(f.shape) == 1 and f.shape[0] > 1]
        if left and right and len(left) + len(right) == len(factors):
            def joined(fs: Any, at: Any, mark: str) -> str:
                text = " ∘ ".join(at(f, PREFIX if len(fs) > 1 else ATOM) for f in fs)
                return (f"({text})" if len(fs) > 1 else text) + mark

            return lambda at: joined(left, at, "") + " " + joined(right, at, "ᵀ")
        return None

    def power(self, f: Term, p: float, at: Any, beside: bool) -> str:
        if p == 1:
            text = at(f, PREFIX if beside else SUM)
            return text
        if p == 0.5:
            return f"√({at(f, SUM)})"
        raised = number(p).translate(str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
        return f"{at(f, ATOM)}{raised if '.' not in raised else '^' + number(p)}"


def _holds(f: Term, first: set) -> bool:
    return f in first
