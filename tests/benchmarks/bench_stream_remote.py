"""Stream a store from a web server that answers late: python bench_stream_remote.py STORE [--latency 0 30 100] [--batch-size 64].

The server is a process of its own on loopback. Each line: seconds from nothing to the first batch, windows per second after it, and that
rate over the one of the same store from disk in the same minute.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import time
from pathlib import Path

from aiohttp import web

from bids_dl import StreamingDataset


def serve(listening: socket.socket, folder: str, latency: float) -> None:
    @web.middleware
    async def late(request, handler):
        await asyncio.sleep(latency)
        return await handler(request)

    application = web.Application(middlewares=[late])
    application.router.add_static("/", folder)
    web.run_app(application, sock=listening, print=None)


def measure(url: str, target: str, batch_size: int) -> tuple[float, float]:
    """Seconds to the first batch, and windows per second after it."""
    start = time.perf_counter()
    loop = iter(StreamingDataset(url, target=target, batch_size=batch_size))
    next(loop)
    first = time.perf_counter()
    count = sum(len(batch.index) for batch in loop)
    return first - start, count / (time.perf_counter() - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--latency", type=float, nargs="+", default=[0, 30, 100], help="ms before each answer")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--target", default="y")
    arguments = parser.parse_args()
    for latency in arguments.latency:
        listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = listening.getsockname()[1]
        server = multiprocessing.get_context("fork").Process(
            target=serve, args=(listening, str(arguments.store.parent), latency / 1000), daemon=True
        )
        server.start()
        listening.close()
        try:
            _, local = measure(str(arguments.store), arguments.target, arguments.batch_size)
            first, rate = measure(f"http://127.0.0.1:{port}/{arguments.store.name}", arguments.target, arguments.batch_size)
        finally:
            server.terminate()
            server.join()
        print(f"{latency:5.0f} ms: first batch after {first:.2f} s, then {rate:8.0f} windows/s, x{rate / local:.2f} of the same from disk")


if __name__ == "__main__":
    main()
