"""A real local network for the tests of real clients: `openledger up` on a free port, filled with the demo datanets."""

import os
import pathlib
import signal
import socket
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


@pytest.fixture(scope="session")
def network():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [
            os.environ["OPENLEDGER_BINARY"], "--dir", folder, "up", "--port", str(port), "--data", str(ROOT / "data"),
            "--embeddings",
        ]
        process = subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr)
        running = Network(pathlib.Path(folder), port, process)
        try:
            wait_until_ready(running.url, process)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
