"""The hooks of the program around the catalogue: executors, commands, routes, viewers and options, each with a complete example."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from heron.hooks.specs import hookspec

if TYPE_CHECKING:
    from heron.hooks.contributions import CliCommand, ExecutorBackend, PluginOptions, Routes
    from heron.hooks.viewers import Viewer


@hookspec
def register_executors() -> Iterable[ExecutorBackend]:  # type: ignore[empty-body]
    """Bring executors: ways to run imports, embedding and metrics on many cores or machines, by `--executor`.

    Example:
        ```python
        import heron

        def load(address):
            from concurrent.futures import ThreadPoolExecutor
            return ThreadPoolExecutor(int(address or 4))

        @heron.hookimpl
        def register_executors():
            yield heron.ExecutorBackend(
                name="pool", summary="Threads of the standard library", address="N", load=load
            )
        ```
    """


@hookspec
def register_commands() -> Iterable[CliCommand]:  # type: ignore[empty-body]
    """Bring commands: they stand beside Heron's own on the command line.

    Example:
        ```python
        import heron

        def load():
            import click

            @click.command()
            @click.pass_obj
            def hello(context):
                \"\"\"Greet the workspace.\"\"\"
                click.echo(f"hello from {context.workspace().root}")

            return hello

        @heron.hookimpl
        def register_commands():
            yield heron.CliCommand(name="hello", summary="Greet the workspace.", load=load)
        ```
    """


@hookspec
def register_routes() -> Iterable[Routes]:  # type: ignore[empty-body]
    """Bring routes of the server: what `heron serve` answers at which paths.

    `site.call` works in a thread, with the workspace opened as the user who asks.

    Example:
        ```python
        import heron

        def load():
            from starlette.responses import JSONResponse
            from starlette.routing import Route

            def routes(site):
                async def hello(request):
                    count = await site.call(request, lambda workspace: workspace.search.count())
                    return JSONResponse({"items": count})

                return [Route("/hello", hello)]

            return routes

        @heron.hookimpl
        def register_routes():
            yield heron.Routes(name="hello", summary="Tells how many items there are.", requires=["starlette"], load=load)
        ```
    """


@hookspec
def register_viewers() -> Iterable[Viewer]:  # type: ignore[empty-body]
    """Bring viewers of items for the Explorer, each as one ES module.

    Example:
        ```python
        from pathlib import Path

        import heron

        @heron.hookimpl
        def register_viewers():
            yield heron.Viewer(
                name="ply", summary="Point clouds", suffixes=[".ply"], module=Path(__file__).with_name("ply.js")
            )
        ```
    """


@hookspec
def register_options() -> Iterable[PluginOptions]:  # type: ignore[empty-body]
    """Bring options of the plugin as a whole; those of one contribution stand in its record.

    Example:
        ```python
        import heron

        @heron.hookimpl
        def register_options():
            token = heron.Option("token", "token of the chat server", secret=True, required=True)
            room = heron.Option("room", "where to write", default="lake")
            yield heron.PluginOptions(name="chat", summary="The chat server", options=[token, room])

        @heron.hookimpl
        def items_imported(workspace, items):
            options = workspace.plugins.options("my_plugin")
            print(f"{len(items)} new items, told in {options['room']}")
        ```
    """
