"""Figure: source, SVG, files, Jupyter; and the layout engines, or their absence."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import autograd_lite as ag
from autograd_lite.draw import layout

from .reading import SVG, read_dot, read_svg


@pytest.fixture
def figure() -> ag.Figure:
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return ag.draw((x * x).named("W_out"), backward="x")


def test_the_svg_stands_alone_and_within_html(figure, engine):
    svg = figure.svg()
    assert svg.startswith("<svg")
    ET.fromstring(svg)
    assert " id=" not in svg


def test_both_engines_draw_the_same_structure(figure, engine):
    from_dot, from_svg = read_dot(figure.source), read_svg(figure.svg())
    assert {k: a["class"] for k, a in from_dot.nodes.items()} == {
        k: a["class"] for k, a in from_svg.nodes.items()
    }
    assert sorted((t, h, a["class"], a["style"]) for t, h, a in from_dot.edges) == sorted(
        (t, h, a["class"], a["style"]) for t, h, a in from_svg.edges
    )


def test_the_engine_is_laid_out_once(figure, monkeypatch):
    calls = []
    real = layout.lay_out
    monkeypatch.setattr(layout, "lay_out", lambda *args: calls.append(args) or real(*args))
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


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [("svg", b"<svg"), ("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("SVG", b"<svg")],
)
def test_save_writes_the_format_of_the_suffix(figure, engine, tmp_path, suffix, magic):
    path = tmp_path / f"figure.{suffix}"
    figure.save(path)
    assert path.read_bytes().startswith(magic)


def test_pictures_have_twice_the_points(figure, engine, tmp_path):
    figure.save(tmp_path / "figure.png")
    width = int.from_bytes((tmp_path / "figure.png").read_bytes()[16:20])
    points = float(ET.fromstring(figure.svg()).attrib["width"].removesuffix("pt"))
    assert 1.9 < width / points < 2.1


@pytest.mark.parametrize("suffix", ["dot", "gv"])
def test_save_writes_the_source_without_an_engine(figure, no_engine, suffix):
    path = no_engine / f"figure.{suffix}"
    figure.save(str(path))
    assert path.read_text(encoding="utf-8") == figure.source


def test_save_without_a_suffix(figure, tmp_path):
    for name in ("figure", "figure."):
        with pytest.raises(ValueError, match="no suffix to say the format; name it figure"):
            figure.save(tmp_path / name)


def test_save_in_an_unknown_format(figure, engine, tmp_path):
    path = tmp_path / "figure.xyz"
    with pytest.raises(ValueError, match=rf"{engine} can't write \.xyz; save \.svg or \.png"):
        figure.save(path)
    assert not path.exists()


def test_pdf_needs_a_system_graphviz(figure, engine, tmp_path):
    path = tmp_path / "figure.pdf"
    if engine == "dot":
        figure.save(path)
        assert path.read_bytes().startswith(b"%PDF")
    else:
        with pytest.raises(ValueError, match=r"a system Graphviz, which can write \.pdf"):
            figure.save(path)


def test_a_system_dot_is_preferred(monkeypatch, tmp_path):
    for name in ("dot", "graphviz-pure"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(layout.engine()).name == "dot"
    (tmp_path / "dot").unlink()
    assert Path(layout.engine()).name == "graphviz-pure"


def test_the_wheel_is_found_beside_the_interpreter(no_engine, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "graphviz-pure").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    assert layout.engine() == str(tmp_path / "bin" / "graphviz-pure")


def test_without_an_engine_the_error_says_what_to_install(figure, no_engine):
    with pytest.raises(RuntimeError, match=r'pip install "autograd_lite\[layout\]"'):
        figure.svg()
    with pytest.raises(RuntimeError, match=r"install Graphviz so that dot"):
        figure.save(no_engine / "figure.png")
    assert figure.source.startswith("digraph {")


def test_an_engine_that_fails_is_quoted(figure, monkeypatch, tmp_path):
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\necho 'out of paper' >&2\nexit 3\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="dot failed with exit code 3: out of paper"):
        figure.svg()


def test_jupyter_shows_the_picture(figure, engine):
    bundle = figure._repr_mimebundle_()
    assert bundle["image/svg+xml"] == figure.svg()
    assert bundle["text/plain"] == "<Figure of 3 nodes; .svg(), .save(path), .source>"


def test_jupyter_without_an_engine_shows_what_to_install(figure, no_engine):
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install" in bundle["text/plain"]
    assert figure.source in bundle["text/plain"]


def test_importing_the_package_does_not_import_graphviz():
    code = "import sys, autograd_lite; sys.exit('graphviz' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_engines_fixture_means_what_it_says(engine):
    assert Path(layout.engine()).name == engine
    assert (shutil.which("dot") is not None) == (engine == "dot")
