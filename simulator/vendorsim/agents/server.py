"""The server: the tools over the Model Context Protocol, on standard input and output. The only module that imports the
SDK."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import anyio
import mcp_types as types
import orjson
from anyio import CapacityLimiter, to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from vendorsim.agents.bounds import bounded
from vendorsim.agents.tool import Tool
from vendorsim.agents.tools import TOOLS
from vendorsim.agents.workplace import Workplace
from vendorsim.core.errors import VendorsimError, first_of_group, unknown
from vendorsim.core.version import __version__

LONGEST_MESSAGE = 20_000
_INSTRUCTIONS = (
    "vendorsim plays live-chat vendors against a webhook integration and judges it. Begin with list_vendors and "
    "list_scenarios. lint_scenario and generate send nothing. play sends the story of one conversation; check is the "
    "contract test. list_deliveries and show_delivery tell what was sent and answered."
)


def serve(place: Workplace) -> None:
    """Answers on standard input and output until the input ends. What else is printed meanwhile goes to standard
    error."""
    anyio.run(_serve, place)


async def _serve(place: Workplace) -> None:
    # One request to the integration at a time: what two runs send would be mixed up in its state.
    sending_one = CapacityLimiter(1)

    async def list_tools(context: ServerRequestContext[Any], params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS.values()])

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            return _error(unknown("tool", params.name[:100], TOOLS))
        call = _guarded(tool, place, params.arguments)
        return await to_thread.run_sync(call, limiter=sending_one if tool.sends else None)

    server: Server[Any] = Server(
        "vendorsim",
        title="vendorsim",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _guarded(tool: Tool, place: Workplace, arguments: dict[str, Any] | None) -> Callable[[], types.CallToolResult]:
    """Runs the tool; what goes wrong becomes a result that says so."""

    def call() -> types.CallToolResult:
        try:
            with first_of_group():
                document = tool.run(place, tool.read(arguments))
        except VendorsimError as error:
            return _error(str(error))
        except Exception as error:
            traceback.print_exc()
            return _error(f"a bug of vendorsim: {type(error).__name__}; its standard error has the details")
        # As JSON, since documents hold tuples and numbers as keys; the same bytes for clients that read texts only.
        text = orjson.dumps(bounded(document), option=orjson.OPT_NON_STR_KEYS)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text.decode())], structured_content=orjson.loads(text)
        )

    return call


def _described(tool: Tool) -> types.Tool:
    hints = types.ToolAnnotations(
        title=tool.title, read_only_hint=not tool.sends, destructive_hint=tool.sends, open_world_hint=tool.sends
    )
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema(),
        annotations=hints,
    )


def _error(message: str) -> types.CallToolResult:
    shown = message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "… (cut off)"
    return types.CallToolResult(content=[types.TextContent(type="text", text=shown)], is_error=True)
