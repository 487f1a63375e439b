"""The server of the protocol, whatever carries its messages: tools, and the images as resources."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from backend import __version__
from backend.api.compat.mcp import answers
from backend.api.compat.mcp.studio import URI, Studio
from backend.api.compat.mcp.tools import Call, make_tools
from backend.services.errors import StudioError

RESOURCE_NOT_FOUND = -32002
NEWEST = 20
"""Images that are listed as resources; the others are found by search_history."""
INSTRUCTIONS = (
    "Z-Image draws images on this person's own machine. Call generate for a new image and edit for a change of one. "
    "Write prompts as full sentences, in Chinese or English. Show the person the image and tell the seed; to vary an "
    "image, repeat its arguments with its seed and change one thing. Leave out what was not asked for: the defaults "
    "suit the model."
)

Context = ServerRequestContext[Any, Any]
Page = types.PaginatedRequestParams | None


OpenStudio = Callable[[Context], AbstractAsyncContextManager[Studio]]
"""Opens the studio for one request, as its client sees it."""


def build_server(open_studio: OpenStudio) -> Server[Any]:
    """Builds the server."""
    handlers = _Handlers(open_studio)
    server: Server[Any] = Server(
        "z-image",
        version=__version__,
        title="Z-Image",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=handlers.schema_of_tool,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )
    server.middleware.clear()  # tracing, which nobody reads
    return server


class _Handlers:
    """Answers to the requests of the protocol."""

    def __init__(self, open_studio: OpenStudio) -> None:
        self._open_studio = open_studio
        self._tools = make_tools()

    def schema_of_tool(self, name: str) -> dict[str, Any] | None:
        entry = self._tools.get(name)
        return None if entry is None else entry.tool.input_schema

    async def list_tools(self, _context: Context, _page: Page) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[entry.tool for entry in self._tools.values()])

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        entry = self._tools.get(params.name)
        if entry is None:
            names = ", ".join(self._tools)
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r}; there are {names}.")
        try:
            async with self._open_studio(context) as studio:
                return await entry.call(Call(studio, context.session.report_progress), params.arguments)
        except StudioError as error:  # there is no studio
            return answers.refused(str(error))

    async def list_resources(self, context: Context, _page: Page) -> types.ListResourcesResult:
        try:
            async with self._open_studio(context) as studio:
                pictures, _ = await studio.search("", NEWEST)
        except StudioError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        return types.ListResourcesResult(resources=answers.resources_of(pictures))

    async def list_templates(self, _context: Context, _page: Page) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            uri_template=f"{URI}{{id}}", name="image", title="Image of the history", mime_type="image/png",
            description="The PNG of an image, in full size and with its parameters.",
        )  # fmt: skip
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        if not uri.startswith(URI):
            raise MCPError(RESOURCE_NOT_FOUND, f"Resources begin with {URI}, and go on with the id of an image.")
        try:
            async with self._open_studio(context) as studio:
                png = await studio.png(uri.removeprefix(URI))
        except StudioError as error:
            raise MCPError(RESOURCE_NOT_FOUND, str(error)) from None
        contents = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=base64.b64encode(png).decode())
        return types.ReadResourceResult(contents=[contents])
