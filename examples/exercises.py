"""The chapter's exercises 1 to 7, each as a short run: ``python -m examples.exercises``.

With ``--out DIR`` each is a page as well, with its curves and boundaries, and beside them lies
"write this backward pass yourself", as a script and as a notebook.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import autograd_lite as ag
import nn

from .chapter4.data import DATA_2, DEFAULT_FILE, Array, Data, read_default
from .chapter4.lesson import document, figure, formulas
from .chapter4.networks import Trained, train
from .chapter4.words import LANGUAGES, Words
from .console import print_what_can_be_shown

if TYPE_CHECKING:
    from types import ModuleType

YOURSELF = ("write_it_yourself.py", "write_it_yourself.ipynb")


class Drawn(NamedTuple):
    """A picture, drawn when a page wants it."""

    caption: str
    svg: Callable[[ModuleType], str]


class Formula(str):
    """A line that is a formula."""


Lines = Iterator[str | Drawn]


def sigmoid(s: Any) -> Any:
    """σ as a student writes it."""
    return 1 / (1 + np.exp(-s))


def exercise_1(say: Words) -> Lines:
    points = np.random.default_rng(1).normal(scale=4, size=(1000, 1))
    s = ag.Tensor(points, requires_grad=True, name="s_2")
    sigma = sigmoid(s).named("l_2")
    step = ag.derive(np.sum(sigma).named("L"), wrt=s)["s_2"]
    yield say("derived_from")
    yield Formula("l_2 = 1 / (1 + e^{−s_2})")
    yield Formula(f"{step.chain} = {step.formula}")
    yield Formula(f"∂l_2/∂s_2 = {step.result}")
    yield say("since_1")
    (slope,) = ag.gradients(sigma, [s], seed=np.ones(s.shape))
    apart = np.abs(slope.data - sigma.data * (1 - sigma.data)).max()
    yield say("points", n=len(s), low=f"{s.data.min():.1f}", high=f"{s.data.max():.1f}")
    yield say("slope_apart", apart=f"{apart:.0e}")
    yield Drawn(say("slopes"), lambda plots: plots.slopes())


def exercise_2(say: Words) -> Lines:
    runs = {}
    for lr in (0.1, 0.5, 1, 2, 5, 10):
        runs[f"α = {lr}"] = trained = train(_net([2, 2, 1]), DATA_2, lr, epochs=600)
        yield _result(say, f"α = {lr:4}", trained)
    yield _curves(say, runs)
    yield _boundaries(say, runs, "α = 0.1", "α = 2", "α = 10")


def exercise_3(say: Words) -> Lines:
    runs = {}
    for size in (1, 2, 3, 5, 10, 20):
        runs[f"n = {size}"] = trained = train(_net([2, size, 1]), DATA_2, lr=2, epochs=300)
        yield _result(say, say("hidden_nodes", n=f"{size:2}"), trained)
    yield _curves(say, runs)
    yield _boundaries(say, runs, "n = 1", "n = 2", "n = 20")


def exercise_4(say: Words) -> Lines:
    yield from _of_default(say, train(_net([2, 2, 1]), _default(), lr=0.1, epochs=100), 9, 49)


def exercise_5(say: Words) -> Lines:
    runs = {}
    for size in (1, 5, 10, 20, 50, 100):
        trained = train(_net([2, 2, 1]), _default(), lr=0.5, epochs=100, batch_size=size)
        runs[f"q = {size}"] = trained
        yield _result(say, say("batches_of", n=f"{size:3}"), trained)
    yield _curves(say, runs)
    yield _boundaries(say, runs, "q = 1", "q = 10", "q = 100")


def exercise_6(say: Words) -> Lines:
    data = _default()
    net = _net([2, 5, 5, 1])
    trained = train(net, data, lr=0.5, epochs=3000, batch_size=len(data.x))
    yield from _of_default(say, trained, 199, 999)


def exercise_7(say: Words) -> Lines:
    yield say("synthetic")
    x, sales = synthetic_advertising()
    net = nn.MLP([3, 2, 1], output="identity", rng=7)
    history = nn.fit(
        net,
        nn.standardize(x),
        sales,
        nn.SquaredErrorLoss(),
        nn.SGD(net.parameters(), lr=0.1),
        epochs=3000,
        batch_size=len(x),
        progress=True,
    )
    errors = [2 * loss for loss in history.loss]  # the loss has a factor ½
    for epoch in (0, 99, 999, 2999):
        explained = f"{1 - errors[epoch] / sales.var():.3f}"
        yield say("error_at", epoch=f"{epoch:4}", error=f"{errors[epoch]:7.3f}", r=explained)
    yield Drawn(say("error_curve"), lambda plots: plots.curves({"3-2-1": errors}, "E"))


EXERCISES: tuple[Callable[[Words], Lines], ...] = (
    exercise_1,
    exercise_2,
    exercise_3,
    exercise_4,
    exercise_5,
    exercise_6,
    exercise_7,
)


def synthetic_advertising(rows: int = 200) -> tuple[Array, Array]:
    """Made-up data in the manner of the Advertising data, the same at each call.

    Returns:
        Budgets for TV, radio and newspaper ``(rows, 3)``, and sales ``(rows, 1)``, which the
        first two raise, more so together, and the third doesn't.
    """
    rng = np.random.default_rng(0)
    budgets = rng.uniform(0, (300, 50, 100), size=(rows, 3))
    tv, radio = budgets[:, :1], budgets[:, 1:2]
    return budgets, 6 + 0.02 * tv + 0.03 * radio + 0.001 * tv * radio + rng.normal(size=(rows, 1))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the exercises one after the other, print what each gives, and write their pages."""
    parser = argparse.ArgumentParser("python -m examples.exercises", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the pages")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="default: en")
    given = parser.parse_args(arguments)
    print_what_can_be_shown()
    say = Words(given.lang)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        write_yourself(given.out, say)
    for number, exercise in enumerate(EXERCISES, 1):
        title = f"{number}. {say(f'exercise_{number}')}"
        print(title)
        found = list(exercise(say))
        for line in found:
            if isinstance(line, str):
                print(f"   {line}")
        print()
        if given.out:
            write_page(given.out / f"exercise_{number}.html", title, found, say)


def write_yourself(folder: Path, say: Words) -> None:
    """The script and the notebook, in a language other than English with its words."""
    code, notebook = (Path(__file__).parent / name for name in YOURSELF)
    text, found = code.read_text(encoding="utf-8"), json.loads(notebook.read_text(encoding="utf-8"))
    told = [cell for cell in found["cells"] if cell["cell_type"] == "markdown"]
    for n, cell in enumerate(told, 1):
        english = "".join(cell["source"])
        words = say(f"yourself_{n}") or english
        text = text.replace(_commented(english), _commented(words))
        cell["source"] = words.splitlines(keepends=True)
    (folder / code.name).write_text(text, encoding="utf-8", newline="\n")
    shown = json.dumps(found, indent=1, ensure_ascii=False)
    (folder / notebook.name).write_text(shown + "\n", encoding="utf-8", newline="\n")


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def write_page(path: Path, title: str, found: Sequence[str | Drawn], say: Words) -> None:
    """A page of what an exercise gave, its pictures beside it."""
    from .chapter4 import plots  # needs matplotlib
    from .chapter4.figures import Picture

    parts, pictures = [], count(1)
    for line in found:
        if isinstance(line, Drawn):
            name = f"{path.stem}_{next(pictures)}.svg"
            picture = Picture(name, line.caption, line.svg(plots), wide=True)
            (path.parent / name).write_text(picture.svg, encoding="utf-8", newline="\n")
            parts.append(f'<div class="figures">{figure(picture)}</div>\n')
        elif isinstance(line, Formula):
            parts.append(formulas([line]))
        else:
            tag = "pre" if "   " in line else "p"  # columns, or a sentence
            parts.append(f"<{tag}>{escape(line)}</{tag}>\n")
    links = " ".join(
        f'<a href="exercise_{n}.html">{n}</a>' for n in range(1, len(EXERCISES) + 1)
    )
    links += "".join(f' <a href="{name}">{name}</a>' for name in YOURSELF)
    shown = "".join(parts).replace("</pre>\n<pre>", "\n")  # columns stand in one block
    body = f"<nav>{links}</nav>\n<h1>{escape(title)}</h1>\n{shown}"
    path.write_text(document(title, body, say.lang), encoding="utf-8", newline="\n")


def _net(sizes: list[int]) -> nn.MLP:
    """A network whose weights are drawn from the standard normal distribution."""
    net, rng = nn.MLP(sizes), np.random.default_rng(4)
    for layer in net.layers:
        layer.weight.data = rng.normal(size=layer.weight.shape)
    return net


def _default() -> Data:
    x, y = read_default(DEFAULT_FILE)
    return Data(nn.standardize(x), y)


def _of_default(say: Words, trained: Trained, *between: int) -> Lines:
    last = len(trained.losses) - 1
    for epoch in (0, *between, last):
        yield _result(say, say("at_epoch", epoch=f"{epoch:4}"), trained, epoch)
    runs = {"": trained}
    yield _curves(say, runs)
    yield _boundaries(say, runs, "")


def _result(say: Words, what: str, trained: Trained, epoch: int = -1) -> str:
    loss, accuracy = trained.losses[epoch], trained.accuracy[epoch]
    return say("result", what=what, loss=f"{loss:8.4f}", accuracy=f"{accuracy:.3f}")


def _curves(say: Words, runs: dict[str, Trained]) -> Drawn:
    lines = {name: trained.losses for name, trained in runs.items()}
    return Drawn(say("loss_curves"), lambda plots: plots.curves(lines, "L"))


def _boundaries(say: Words, runs: dict[str, Trained], *names: str) -> Drawn:
    shown = {name: runs[name] for name in names}
    return Drawn(say("boundaries"), lambda plots: plots.boundaries(shown))


if __name__ == "__main__":
    main()
