"""Figure: source, SVG, files, Jupyter; and the layout engines, or their absence."""

from __future__ import annotations

import shutil
import stat
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import autograd_lite as ag
from autograd_lite.draw import figure as figures

from .reading import SVG, read_dot, read_svg

PYTHON = sys.executable


@pytest.fixture
def figure() -> ag.Figure:
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return ag.draw((x * x).named("W_out"), backward="x")


def test_the_svg_stands_alone_with_the_structure_of_the_source(figure, engine):
    svg = figure.svg()
    assert svg.startswith("<svg")
    assert " id=" not in svg
    from_dot, from_svg = read_dot(figure.source), read_svg(svg)
    assert {k: a["class"] for k, a in from_dot.nodes.items()} == {
        k: a["class"] for k, a in from_svg.nodes.items()
    }
    assert sorted((t, h, a["class"], a["style"]) for t, h, a in from_dot.edges) == sorted(
        (t, h, a["class"], a["style"]) for t, h, a in from_svg.edges
    )
    bundle = figure._repr_mimebundle_()
    assert bundle["image/svg+xml"] == svg
    assert bundle["text/plain"] == "<Figure of 3 nodes; .svg(), .save(path), .source>"


def test_the_engine_is_laid_out_once(figure, monkeypatch):
    calls = []
    real = figures.lay_out
    monkeypatch.setattr(figures, "lay_out", lambda *args: calls.append(args) or real(*args))
    assert figure.svg() == figure.svg() == figure._repr_svg_()
    assert len(calls) == 1


def test_subscripts_are_lowered_in_a_way_that_every_viewer_knows(figure, engine):
    svg = figure.svg()
    assert "baseline-shift" not in svg
    texts = [t for t in ET.fromstring(svg).iter(f"{SVG}text") if "out" in "".join(t.itertext())]
    assert texts
    for text in texts:
        spans = list(text)
        lowered = next(i for i, span in enumerate(spans) if span.text == "out")
        assert float(spans[lowered].attrib["dy"]) > 0
        assert float(spans[lowered].attrib["font-size"]) < float(spans[0].attrib["font-size"])
        moved = sum(float(span.get("dy", 0)) for span in spans)
        assert abs(moved) < 1e-6 or lowered == len(spans) - 1  # what follows stands on the line


def test_save_writes_the_format_of_the_suffix(figure, engine, tmp_path):
    path = tmp_path / "figure.png"
    for suffix, magic in (
        ("svg", b"<svg"), ("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("SVG", b"<svg"),
    ):  # fmt: skip
        figure.save(path.with_suffix(f".{suffix}"))
        assert path.with_suffix(f".{suffix}").read_bytes().startswith(magic), suffix
    width = int.from_bytes(path.read_bytes()[16:20])
    points = float(ET.fromstring(figure.svg()).attrib["width"].removesuffix("pt"))
    assert 1.9 < width / points < 2.1  # pictures have twice the points
    if engine == "dot":
        figure.save(path.with_suffix(".pdf"))
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    else:
        with pytest.raises(ValueError, match=r"a system Graphviz, which can write \.pdf"):
            figure.save(path.with_suffix(".pdf"))
    for name in ("figure", "figure."):
        with pytest.raises(ValueError, match="no suffix to say the format; name it figure"):
            figure.save(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{engine} can't write \.xyz; save \.svg or \.png"):
        figure.save(path.with_suffix(".xyz"))
    assert not path.with_suffix(".xyz").exists()


def test_signs_that_the_wheel_s_fonts_lack_are_written_otherwise(engine, tmp_path):
    figure = ag.Figure('digraph {a [fontname=Times label="x ∘ ∇y"]}')
    known = ag.Figure('digraph {a [fontname=Times label="x ◦ grady"]}')
    for each, name in ((figure, "a.png"), (known, "b.png")):
        each.save(tmp_path / name)
    alike = (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert alike is (engine != "dot")
    assert "x ∘ ∇y" in figure.svg()  # whose viewer has fonts of its own


def test_without_an_engine_there_is_the_source_and_what_to_install(figure, no_engine):
    with pytest.raises(RuntimeError, match=r'pip install "autograd_lite\[layout\]"'):
        figure.svg()
    with pytest.raises(RuntimeError, match=r"install Graphviz so that dot"):
        figure.save(no_engine / "figure.png")
    assert figure.source.startswith("digraph {")
    for suffix in ("dot", "gv"):
        figure.save(str(no_engine / f"figure.{suffix}"))
        assert (no_engine / f"figure.{suffix}").read_text(encoding="utf-8") == figure.source
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install" in bundle["text/plain"]
    assert figure.source in bundle["text/plain"]


def test_a_system_dot_is_preferred_and_the_wheel_is_found_beside_the_interpreter(
    no_engine, monkeypatch
):
    for name in ("dot", "graphviz-pure"):
        (no_engine / name).touch(mode=0o755)
    assert [Path(command).name for command in figures.engines()] == ["dot", "graphviz-pure"]
    (no_engine / "dot").unlink()
    assert [Path(command).name for command in figures.engines()] == ["graphviz-pure"]
    (no_engine / "bin").mkdir()
    (no_engine / "graphviz-pure").rename(no_engine / "bin" / "graphviz-pure")
    monkeypatch.setattr("sys.executable", str(no_engine / "bin" / "python"))
    assert figures.engines() == [str(no_engine / "bin" / "graphviz-pure")]


def test_what_a_system_s_dot_lacks_the_wheel_has(figure, no_engine, monkeypatch):
    script = no_engine / "dot"  # as Debian's since Graphviz 14, which comes without neato
    said = 'Layout type: "neato" not recognized. Use one of: dot'
    script.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    script.chmod(0o755)
    with pytest.raises(RuntimeError, match=f"{said}\nThe wheel has all layouts: pip install"):
        figures.lay_out("digraph {a [pos=0]}", "svg")
    monkeypatch.setattr("sys.executable", PYTHON)
    assert b"<svg" in figures.lay_out("digraph {layout=neato a -> b}", "svg")


def test_an_engine_that_fails_is_quoted(figure, monkeypatch, tmp_path):
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\necho 'out of paper' >&2\nexit 3\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="dot failed with exit code 3: out of paper"):
        figure.svg()


def test_the_engines_fixture_means_what_it_says(engine):
    assert Path(figures.engines()[0]).name == engine
    assert (shutil.which("dot") is not None) == (engine == "dot")
