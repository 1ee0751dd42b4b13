"""llama.cpp's own HTTP server, as a program: model file, port, slots. It ends when it is killed."""

from __future__ import annotations

import sys
import time

import xllamacpp


def main(model: str, port: str, slots: str) -> None:
    """Serve with one thread; print the address when it is there."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.hostnames, parameters.port = model, ["127.0.0.1"], int(port)
    parameters.n_parallel, parameters.n_ctx, parameters.warmup = int(slots), 256 * int(slots), False
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
