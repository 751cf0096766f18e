"""Real local networks for the tests of real clients: `openledger up` on a free port, filled with the demo datanets; and one whose model
has a chat template with a place for tools."""

import contextlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS_MAX = 180


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Network:
    """One running network."""

    def __init__(self, folder: pathlib.Path, port: int, process: subprocess.Popen):
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    @property
    def key(self) -> str:
        return (self.folder / "api-key").read_text().strip()

    def openledger(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        command = [os.environ["OPENLEDGER_BINARY"], "--dir", str(self.folder), "--url", self.url, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=120)


def wait_until_ready(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"openledger up ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the network was not ready after {READY_SECONDS_MAX} seconds")


@contextlib.contextmanager
def running(*arguments: str):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [os.environ["OPENLEDGER_BINARY"], "--dir", folder, "up", "--port", str(port), *arguments]
        process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
        network = Network(pathlib.Path(folder), port, process)
        try:
            wait_until_ready(network.url, process)
            yield network
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@pytest.fixture(scope="session")
def network():
    with running("--data", str(ROOT / "data"), "--embeddings") as network:
        yield network


@pytest.fixture(scope="session")
def tool_network(tmp_path_factory):
    packaged = pathlib.Path(os.environ.get("OPENLEDGER_MODEL", pathlib.Path.home() / PACKAGED))
    folder = tmp_path_factory.mktemp("tools")
    (folder / "datanets.json").write_text("[]")
    template = (ROOT / "crates/model/tests/common/tools.jinja").read_bytes().rstrip(b"\n")
    (folder / "tools.gguf").write_bytes(with_template(packaged.read_bytes(), template))
    with running("--data", str(folder), "--model", str(folder / "tools.gguf")) as network:
        yield network


PACKAGED = ".cache/openledger/models/SmolLM2-135M-Instruct.Q4_1.gguf"


def with_template(file: bytes, template: bytes) -> bytes:
    """A model file with another chat template in the place of its own; whatever else it says stays as it is."""
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

    def number(at: int, size: int = 8) -> int:
        return int.from_bytes(file[at : at + size], "little")

    def value_end(at: int, kind: int) -> int:
        if kind == 8:
            return at + 8 + number(at)
        if kind != 9:
            return at + sizes[kind]
        inner, count, at = number(at, 4), number(at + 4), at + 12
        for _ in range(count):
            at = value_end(at, inner)
        return at

    at = 24
    for _ in range(number(16)):
        name = file[at + 8 : at + 8 + number(at)]
        value_at = at + 12 + len(name)
        at = value_end(value_at, number(value_at - 4, 4))
        if name == b"tokenizer.chat_template":
            begin, end = value_at, at
    for _ in range(number(8)):
        at += 8 + number(at)
        at += 4 + 8 * number(at, 4) + 4 + 8
    head = file[:begin] + struct.pack("<Q", len(template)) + template + file[end:at]
    return head + bytes(-len(head) % 32) + file[at + -at % 32 :]
