"""`lrvm completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .options import traceback_option


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
@traceback_option
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      lrvm completion bash >> ~/.bashrc
      lrvm completion zsh >> ~/.zshrc
      lrvm completion fish > ~/.config/fish/completions/lrvm.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "lrvm", "_LRVM_COMPLETE").source())
