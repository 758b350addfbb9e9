"""Equations of HWP as a line of text.

Their scripts are in the language of Hancom's equation editor ("한글 문서 파일 형식 - 수식" revision 1.3).
A line keeps what is read aloud: operators and letters become their characters, a fraction gets a slash;
braces and commands that only place or shape characters go, and raised and lowered characters stand as such
do in text.
"""

from __future__ import annotations

import re

#: Commands that are words of an equation in capital or small letters alike.
_SIGNS = {
    **{"over": "/", "times": "×", "div": "÷", "cdot": "·", "pm": "±", "plusminus": "±"},
    **{"minusplus": "∓", "inf": "∞", "infinity": "∞", "sqrt": "√", "root": "√", "sum": "∑"},
    **{"prod": "∏", "int": "∫", "dint": "∬", "oint": "∮", "partial": "∂", "nabla": "∇"},
    **{"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "neq": "≠", "ne": "≠", "approx": "≈"},
    **{"sim": "∼", "equiv": "≡", "propto": "∝", "in": "∈", "notin": "∉", "subset": "⊂"},
    **{"supset": "⊃", "union": "∪", "inter": "∩", "smallunion": "∪", "smallinter": "∩"},
    **{"cup": "∪", "cap": "∩", "emptyset": "∅", "forall": "∀", "exist": "∃", "therefore": "∴"},
    **{"because": "∵", "rarrow": "→", "larrow": "←", "lrarrow": "↔", "uparrow": "↑"},
    **{"downarrow": "↓", "deg": "°", "prime": "′", "angle": "∠", "triangle": "△", "cdots": "⋯"},
    **{"ldots": "…", "vdots": "⋮", "bullet": "•", "circ": "∘", "hbar": "ℏ", "angstrom": "Å"},
}
_GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ"},
    **{"eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν"},
    **{"xi": "ξ", "omicron": "ο", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ"},
    **{"upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω"},
}
#: Commands that place or shape what follows.
_LAYOUT = frozenset(
    (
        *("rm", "it", "bold", "left", "right", "lsub", "lsup", "sub", "sup", "from", "to", "atop"),
        *("matrix", "pmatrix", "bmatrix", "dmatrix", "cases", "pile", "lpile", "rpile", "eqalign"),
        *("col", "lcol", "rcol", "ccol", "bigg", "vec", "bar", "hat", "tilde", "dot", "ddot"),
        *("under", "box"),
    )
)
_TOKEN = re.compile(
    r"->|<->|<=|>=|!=|\+-|-\+|(?:scale|size)\s*\d+|color\s*\{[^}]*\}|\"[^\"]*\"|[A-Za-z]+|[\s`~]+|.",
    re.I,
)
_PAIRS = {"->": "→", "<->": "↔", "<=": "≤", ">=": "≥", "!=": "≠", "+-": "±", "-+": "∓"}


def as_text(script: str) -> str:
    """Return the line of text for an equation's script."""
    pieces = []
    for token in _TOKEN.findall(script):
        word = token.lower()
        if word in _LAYOUT or word in "{}_^#&" or re.match(r"(?:scale|size|color)[\s{\d]", word):
            pieces.append(" " if word in ("#", "&") else "")
        elif word in _GREEK:
            greek = _GREEK[word]
            pieces.append(greek if token.islower() else greek.upper())
        elif token.startswith('"'):
            pieces.append(token.strip('"'))
        else:
            pieces.append(_PAIRS.get(token) or _SIGNS.get(word) or token)
    return " ".join("".join(re.sub(r"[\s`~]+", " ", piece) for piece in pieces).split())
