"""Commands on what models have learnt: explain, embed, probe, pretrain."""

from __future__ import annotations

import typer

app = typer.Typer()
