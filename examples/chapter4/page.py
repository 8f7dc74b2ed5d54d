"""index.html: the numbers and the figures on one page, which needs nothing but the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from .numbers import Number, Section, agreement

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
  font: 1.05rem/1.55 Charter, "Bitstream Charter", "STIX Two Text", Georgia, serif;
  color: var(--text); background: var(--page);
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
h2 small { color: var(--faint); font-size: 1em; font-weight: normal; margin-right: .4em; }
p { max-width: 42rem; margin: .5rem 0; }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--faint); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem 1.25rem .28rem 0; text-align: left; white-space: nowrap; }
th { color: var(--faint); font-weight: normal; border-bottom: 1px solid var(--line); }
td { border-bottom: 1px solid var(--line); }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: bold; }
.aside { color: var(--faint); }
.figures { display: grid; gap: 1.25rem; margin: 1.5rem 0; }
@media (min-width: 44rem) { .figures { grid-template-columns: 1fr 1fr; } }
figure { margin: 0; min-width: 0; display: flex; flex-direction: column; }
figure.wide { grid-column: 1 / -1; }
figure a { flex: 1; display: flex; padding: 1rem; overflow-x: auto;
  border: 1px solid var(--line); border-radius: .5rem; background: #fff; }
figure img { margin: auto; max-width: 100%; height: auto; }
@media (max-width: 44rem) { .wide img { max-width: 46rem; } }
figcaption { font-size: .92rem; margin-top: .4rem; }
figcaption b { margin-right: .3em; }
"""


def index(sections: Sequence[Section], pictures: Mapping[str, Picture], data_file: str) -> str:
    """The page.

    Args:
        sections: with their numbers, and the numbers of their figures.
        pictures: by those numbers.
        data_file: the name of the file that the Default data are from.
    """
    agree, compared = agreement(sections)
    links = "".join(f'<a href="#s{s.number}">{s.number}</a>' for s in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chapter 4: deep neural networks</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Chapter 4: deep neural networks</h1>
<p>The chapter’s numbers and figures (but 4-2, a nerve cell), computed and drawn by autograd_lite.
<span class="{"good" if agree == compared else "bad"}">{agree} of {compared} numbers and
formulas agree</span> as printed. Default data: {escape(data_file)}.</p>
<nav>{links}</nav>
{"".join(_section(section, pictures) for section in sections)}</body>
</html>
"""


def _section(section: Section, pictures: Mapping[str, Picture]) -> str:
    remarks = "".join(f"<p>{escape(remark)}</p>\n" for remark in section.remarks)
    return f"""<section id="s{section.number}">
<h2><small>{section.number}</small> {escape(section.title)}</h2>
{remarks}{_steps(section)}<div class="scroll"><table>
<thead><tr><th></th><th></th><th>printed</th><th>ours</th><th>source</th></tr></thead>
<tbody>
{"".join(map(_row, section.numbers))}</tbody>
</table></div>
<div class="figures">
{"".join(_figure(number, pictures[number]) for number in section.figures)}</div>
</section>
"""


def _steps(section: Section) -> str:
    """A link to the page that steps through the section's computation."""
    if not section.page:
        return ""
    return f'<p><a href="{section.page}">Step through it, forward and back</a></p>\n'


_CLASSES: Mapping[bool | None, str] = {True: "good", False: "bad", None: "aside"}


def _row(number: Number) -> str:
    cells = (number.what, number.printed, number.text, number.source)
    aside = ' class="aside"' if number.agrees is None else ""
    return (
        f'<tr{aside}><td class="{_CLASSES[number.agrees]}">{number.mark}</td>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
    )


def _figure(number: str, picture: Picture) -> str:
    name, caption = picture.file, escape(picture.caption)
    wide = ' class="wide"' if picture.wide else ""
    return (
        f'<figure{wide}><a href="{name}"><img src="{name}" alt="{caption}" loading="lazy"></a>\n'
        f"<figcaption><b>Fig. {number}</b>{caption}</figcaption></figure>\n"
    )
