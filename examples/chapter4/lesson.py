"""index.html: the chapter as a lesson, on one page, which needs nothing but the files beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from .numbers import Number, Section, agreement
from .sections import BACKWARD_PAGE, TRAINING_PAGE
from .words import Words

if TYPE_CHECKING:
    from .figures import Picture

_STYLE = """
:root {
  color-scheme: light dark;
  --text: light-dark(#1f2937, #e5e7eb); --faint: light-dark(#6b7280, #9ca3af);
  --line: light-dark(#e5e7eb, #374151); --page: light-dark(#fafaf7, #14171c);
  --good: light-dark(#15803d, #4ade80); --bad: light-dark(#b91c1c, #f87171);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 64rem;
  font: 1.05rem/1.55 Charter, "Bitstream Charter", "STIX Two Text", Georgia, "Noto Serif CJK SC",
    "Songti SC", serif;
  color: var(--text); background: var(--page);
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
h2 { break-after: avoid; }
h2 small { color: var(--faint); font-size: 1em; font-weight: normal; margin-right: .4em; }
p { max-width: 42rem; margin: .5rem 0; }
.idea { font-size: 1.1rem; }
.aside p, p.aside { font-size: .92rem; }
iframe { width: 100%; height: 44rem; border: 1px solid var(--line); border-radius: .5rem; }
.formulas { display: grid; gap: .4rem; margin: .75rem 0; padding: .2rem 0 .2rem 1rem;
  overflow-x: auto; border-left: 3px solid var(--line); font-size: 1.1rem; }
.formulas p { margin: 0; max-width: none; display: flex; flex-wrap: wrap; align-items: center;
  gap: .3rem .35em; min-height: 1.8em; }
.formulas math { math-style: normal; }
.programs { display: grid; gap: 1rem; margin: 1rem 0; }
.programs > div { min-width: 0; }
pre { margin: .25rem 0; padding: .75rem 1rem; overflow-x: auto; font-size: .82rem;
  line-height: 1.45; border: 1px solid var(--line); border-radius: .5rem; }
summary { cursor: pointer; color: var(--faint); }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--faint); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem 1.25rem .28rem 0; text-align: left; white-space: nowrap; }
th { color: var(--faint); font-weight: normal; border-bottom: 1px solid var(--line); }
td { border-bottom: 1px solid var(--line); }
sub { font-size: .7em; line-height: 0; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: bold; }
.aside { color: var(--faint); }
.figures { display: grid; gap: 1.25rem; margin: 1.5rem 0; }
@media (min-width: 44rem) { .figures { grid-template-columns: 1fr 1fr; } }
figure { margin: 0; min-width: 0; display: flex; flex-direction: column; }
figure.wide { grid-column: 1 / -1; }
figure a { display: flex; flex: 1; padding: 1rem; overflow-x: auto;
  border: 1px solid var(--line); border-radius: .5rem; background: #fff; }
figure img { margin: auto; max-width: 100%; height: auto; }
@media (max-width: 44rem) {
  [data-focus] img { max-width: 46rem; }
  .formulas { font-size: .95rem; }
  th, td { padding-right: .6rem; font-size: .85rem; }
  td:nth-child(2) { white-space: normal; min-width: 6rem; }
  pre { font-size: .68rem; padding: .6rem; }
}
figcaption { font-size: .92rem; margin-top: .4rem; }
figcaption b { margin-right: .3em; }
@media (min-width: 60rem) { .programs { grid-template-columns: 3fr 2fr; } }
@page { size: A4; margin: 15mm; }
@media print {
  :root { color-scheme: light; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  nav, section:has(iframe) { display: none; }
  figure:only-child img { max-height: 8cm; width: auto; }
  figure, pre, .formulas, .programs > div { break-inside: avoid; }
  figure a, .scroll, .formulas, pre { overflow: visible; }
  figure img, [data-focus] img { max-width: 100%; }
  pre { white-space: pre-wrap; }
  td { white-space: normal; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""


_SCROLLED = 900  # pixels, from which a figure is scrolled on a telephone rather than made small
_SCRIPT = """
addEventListener("load", () => {  // when figures have their width
  for (const box of document.querySelectorAll("[data-focus]"))
    box.scrollLeft = box.dataset.focus * box.scrollWidth - box.clientWidth / 2;
});
"""


def written(
    sections: Sequence[Section], pictures: Mapping[str, Picture], say: Words, data_file: str
) -> str:
    """The page.

    Args:
        sections: with their numbers, and the numbers of their figures.
        pictures: by those numbers.
        say: the language.
        data_file: the name of the file that the Default data are from.
    """
    agree, compared = agreement(sections)
    mark = "good" if agree == compared else "bad"
    found = escape(say("agree_as", agree=say("agree", agree=agree, compared=compared)))
    links = "".join(
        f'<a href="#s{s.number}">{s.number} {escape(s.title)}</a>' for s in sections
    )
    body = f"""<h1>{escape(say("title"))}</h1>
<p class="idea">{escape(say("lead"))}</p>
<p><span class="{mark}">{found}</span> {escape(say("default", file=data_file))}</p>
<nav aria-label="{escape(say("contents"))}">{links}</nav>
<section>
<h2>{escape(say("try"))}</h2>
<p>{escape(say("try_it"))} <a href="{BACKWARD_PAGE}">{escape(say("open"))}</a></p>
<iframe src="{BACKWARD_PAGE}" title="{escape(say("try"))}"></iframe>
</section>
{"".join(_section(section, pictures, say) for section in sections)}"""
    return document(say("title"), body, say.lang)


def document(title: str, body: str, lang: str) -> str:
    """A whole page in the lesson's style."""
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}<script>{_SCRIPT}</script>
</body>
</html>
"""


def _section(section: Section, pictures: Mapping[str, Picture], say: Words) -> str:
    remarks = "".join(f"<p>{escape(remark)}</p>\n" for remark in section.remarks)
    agree, compared = agreement([section])
    numbers = escape(say("compared", agree=say("agree", agree=agree, compared=compared)))
    heads = "".join(f"<th>{escape(say(key))}</th>" for key in ("printed", "ours", "source"))
    figures = "".join(
        _figure(n, pictures[n], section.formulas.get(n, []), say) for n in section.figures
    )
    return f"""<section id="s{section.number}">
<h2><small>{section.number}</small> {escape(section.title)}</h2>
<p class="idea">{escape(section.idea)}</p>
{formulas(section.formulas.get("", []))}{_link(section, say)}<div class="figures">
{figures}</div>
{_programs(section, say)}<details{"" if agree == compared else " open"}>
<summary class="{"good" if agree == compared else "bad"}">{numbers}</summary>
<div class="aside">
{remarks}</div>
<div class="scroll"><table>
<thead><tr><th></th><th></th>{heads}</tr></thead>
<tbody>
{"".join(_row(number, say) for number in section.numbers)}</tbody>
</table></div>
</details>
</section>
"""


def _link(section: Section, say: Words) -> str:
    """A link to the page that steps through the section's computation."""
    if not section.page:
        return ""
    what = say("training" if section.page == TRAINING_PAGE else "step")
    return f'<p><a href="{section.page}">{escape(what)}</a></p>\n'


def _programs(section: Section, say: Words) -> str:
    """Programs side by side."""
    if not section.code:
        return ""
    shown = "".join(
        f"<div><b>{escape(title)}</b><pre><code>{escape(text)}</code></pre></div>\n"
        for title, text in section.code.items()
    )
    return f'<p>{escape(say("same"))}</p>\n<div class="programs">\n{shown}</div>\n'


_CLASSES: Mapping[bool | None, str] = {True: "good", False: "bad", None: "aside"}


_SUBSCRIPT = re.compile(r"(?<=[^\W_])_(?:\{([^}]*)\}|([0-9A-Za-z]+))")


def _lowered(found: re.Match[str]) -> str:
    return f"<sub>{found[1] or found[2]}</sub>"


def _row(number: Number, say: Words) -> str:
    cells = (number.what, number.printed, number.text, say(number.source))
    aside = ' class="aside"' if number.agrees is None else ""
    return (
        f'<tr{aside}><td class="{_CLASSES[number.agrees]}">{number.mark}</td>'
        + "".join(f"<td>{_SUBSCRIPT.sub(_lowered, escape(cell))}</td>" for cell in cells)
        + "</tr>\n"
    )


def _figure(number: str, picture: Picture, beside: Sequence[str], say: Words) -> str:
    return figure(picture, formulas(beside), f"<b>{escape(say('figure', number=number))}</b>")


def figure(picture: Picture, above: str = "", label: str = "") -> str:
    """A picture in the style of the lesson, with markup above it and before its caption."""
    name, caption = picture.file, escape(picture.caption)
    wide = ' class="wide"' if picture.wide else ""
    width, height = picture.size
    focus = f' data-focus="{picture.focus:.2f}"' if width > _SCROLLED else ""
    return (
        f'<figure{wide}>{above}<a href="{name}"{focus}>'
        f'<img src="{name}" alt="{caption}" width="{width}" height="{height}">'
        f"</a>\n<figcaption>{label}{caption}</figcaption></figure>\n"
    )


# ---------------------------------------------------------------------- formulas

_TOKEN = re.compile(
    r"∂(?P<of>[^\W_]+(?:_\w+)?)/∂(?P<by>[^\W_]+(?:_\w+)?)"
    r"|(?P<base>[^\W\d_ᵀ]+|\d[\d.]*)(?:_(?:\{(?P<long>[^}]*)\}|(?P<below>[0-9A-Za-z]+)))?"
    r"(?P<prime>'?)(?P<transposed>ᵀ?)(?:\^\{(?P<raised>[^}]*)\})?"
    r"|(?P<factor>(?<=[\w)}]) (?=[\w(∇]))|(?P<space> +)|(?P<sign>.)"
)


def mathml(text: str) -> str:
    """A formula in the chapter's notation, such as ``δ_1 = (δ_2 W_12ᵀ) ∘ σ'(s_1)``, as MathML."""
    return f"<mrow>{_TOKEN.sub(_token, text)}</mrow>"


def _token(found: re.Match[str]) -> str:
    part = found.groupdict()
    if part["of"]:
        above, under = (mathml(f"∂{part[key]}") for key in ("of", "by"))
        return f"<mfrac>{above}{under}</mfrac>"
    if part["factor"]:
        return '<mspace width="0.2em"></mspace>'
    if not part["base"]:
        stretchy = ' stretchy="false"' if found[0] in "()" else ""
        return "" if part["space"] else f"<mo{stretchy}>{found[0]}</mo>"
    shown = f"<mn>{part['base']}</mn>" if part["base"][0].isdigit() else f"<mi>{part['base']}</mi>"
    above = "<mo>&#8242;</mo>" if part["prime"] else ""
    above += '<mi mathvariant="normal">T</mi>' if part["transposed"] else ""
    above += mathml(part["raised"]) if part["raised"] else ""
    below = mathml(part["long"]) if part["long"] else f"<mn>{part['below']}</mn>"
    if part["long"] or part["below"]:
        shown = f"<msub>{shown}<mrow>{below}</mrow></msub>"
    return f"<msup>{shown}<mrow>{above}</mrow></msup>" if above else shown


def formulas(texts: Sequence[str]) -> str:
    """Formulas one below the other."""
    if not texts:
        return ""
    lines = (re.split(r" (?=[=←])", text) for text in texts)
    shown = (" ".join(f"<math>{mathml(part)}</math>" for part in line) for line in lines)
    return f'<div class="formulas">{"".join(f"<p>{line}</p>" for line in shown)}</div>\n'
