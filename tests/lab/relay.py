"""Carry connections from loopback to the hosts of a lab.

Started by the switch, inside its network namespace, with listening sockets that were opened outside: a socket stays in
the namespace it was made in. Closes a connection whose host does not answer; ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

CONNECT_TIMEOUT_S = 5.0
CHUNK = 65536


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and then that nothing more will come."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def carry(address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, from its beginning to its end."""
    with contextlib.suppress(OSError, TimeoutError):
        far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(address, 22), CONNECT_TIMEOUT_S)
        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        far_writer.close()
    writer.close()


async def serve(listeners: list[str]) -> None:
    """`listeners`: file descriptor=address, as many as there are hosts."""
    for word in listeners:
        descriptor, _, address = word.partition("=")
        listening = socket.socket(fileno=int(descriptor))
        await asyncio.start_server(lambda *ends, to=address: carry(to, *ends), sock=listening)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
