"""The examples of convolution and of attention: they learn, and say their own formulas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples import characters, digits


def test_digits_are_told_apart_by_a_convolutional_net(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="pip install -e '.[test]'")
    lines = list(digits.main(tmp_path, epochs=2))
    assert float(re.findall(r"([0-9.]+)%", lines[0])[0]) > 80
    assert "  ∇W_2 = m_1 ⋆ δ_2" in lines
    assert "  ∂L/∂m_1 = δ_2 * W_2" in lines
    assert "  ∇W_1 = pad(x) ⋆ δ_1" in lines
    figure = (tmp_path / "digits.svg").read_text("utf-8")
    assert "windows" in figure
    layers = (tmp_path / "digits-layers.svg").read_text("utf-8")
    assert "Conv2d" in layers


def test_characters_are_foretold_by_attention(tmp_path: Path) -> None:
    lines = list(characters.main(tmp_path, epochs=2))
    before, after = (float(lines[0].split()[i].rstrip(";")) for i in (1, 3))
    assert after < 0.9 * before
    assert len(lines[2]) == 131
    assert "  ∂L/∂S = A ∘ (∂L/∂A − Σ_l(∂L/∂A ∘ A))" in lines
    assert "softmax" in (tmp_path / "characters.svg").read_text("utf-8")
