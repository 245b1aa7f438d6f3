"""The real program as a real process: start it, talk to it, pull its plug, start it again."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.infra import processes, shared

# Days of virtual time in one request take minutes on a machine that is busy.
PATIENCE_S = 240.0
STOP_S = 30.0
LOOK_EVERY_S = 0.02
REPORT_LINES = 80
SERVERS = pytest.StashKey[list["LiveServer"]]()
# Nothing here speaks TLS, and reading the certificates of the system takes longer than a request.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `json` is None where the body is not JSON, header names are lower case."""

    status: int
    headers: Mapping[str, str]
    json: Any
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    @property
    def data(self) -> Any:
        """The member `data` of the JSON body; fails with the whole answer where it is not there."""
        assert isinstance(self.json, dict), (
            f"{self.status}: not a JSON object: {self.body[:2000]!r}"
        )
        assert "data" in self.json, f"{self.status}: {self.json}"
        return self.json["data"]


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a server-sent event stream."""

    name: str
    data: str
    id: str | None

    @property
    def json(self) -> Any:
        """The data, parsed."""
        return json.loads(self.data)


class Client:
    """A small HTTP client for one server. It follows no redirect and keeps no cookie."""

    def __init__(self, base: Callable[[], str]) -> None:
        self.base = base

    def get(self, path: str, **words: Any) -> Answer:
        """GET a path; `token` becomes the bearer token."""
        return self.send("GET", path, **words)

    def post(self, path: str, **words: Any) -> Answer:
        """POST `json=` or the literal bytes `raw=` to a path."""
        return self.send("POST", path, **words)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        raw: bytes | str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own."""
        content, kind = body_of(json, raw)
        with httpx2.Client(timeout=PATIENCE_S, trust_env=False, verify=NO_TLS) as http:
            got = http.request(
                method,
                self.base() + path,
                content=content,
                headers={**kind, **bearer(token), **(headers or {})},
            )
        return Answer(got.status_code, got.headers, parsed(got.content), got.content)

    @contextmanager
    def stream(
        self, path: str, *, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Iterator[Event]]:
        """Open a server-sent event stream: `with client.stream(path) as events: next(events)`."""
        sent = {"accept": "text/event-stream", **bearer(token), **(headers or {})}
        limits = httpx2.Timeout(PATIENCE_S)
        with (
            httpx2.Client(timeout=limits, trust_env=False, verify=NO_TLS) as http,
            http.stream("GET", self.base() + path, headers=sent) as got,
        ):
            assert got.status_code == 200, f"{got.status_code}: {got.read()!r}"
            yield events(got.iter_lines())


def body_of(value: Any, raw: bytes | str | None) -> tuple[bytes | None, dict[str, str]]:
    """The bytes to send and their content type."""
    if raw is not None:
        return (raw.encode() if isinstance(raw, str) else raw), {"content-type": "application/json"}
    if value is not None:
        return json.dumps(value).encode(), {"content-type": "application/json"}
    return None, {}


def bearer(token: str | None) -> dict[str, str]:
    """The Authorization header for a token."""
    return {"authorization": f"Bearer {token}"} if token else {}


def parsed(body: bytes) -> Any:
    """The body as JSON, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def events(lines: Iterator[str]) -> Iterator[Event]:
    """Read events from the lines of a stream; comments and retry times are left out."""
    name, data, last_id = "message", list[str](), None
    for line in lines:
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield Event(name, "\n".join(data), last_id)
            name, data = "message", []
        elif key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif key == "id":
            last_id = value


@dataclass(slots=True)
class LiveServer:
    """`tallystick dev` in a folder of its own; `ready` is the line that it printed when it was."""

    folder: Path
    database_url: str | None
    words: tuple[str, ...]
    environment: dict[str, str]
    tracebacks_expected: bool = False
    program: str = "tallystick.cli"
    ready: dict[str, Any] = field(default_factory=dict)
    process: processes.Process | None = None
    starts: int = 0
    by_name: bool = False

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return str(self.ready["url"]).rstrip("/")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def secret_key(self) -> str:
        """A secret key with the role admin."""
        return str(self.ready["secretKey"])

    @property
    def cron_secret(self) -> str:
        """What cron proves itself by."""
        return str(self.ready["cronSecret"])

    @property
    def jwt_secret(self) -> str:
        """What end-user tokens are signed with."""
        return str(self.ready["jwtSecret"])

    @property
    def dashboard_url(self) -> str:
        """The dashboard's one-time link."""
        return str(self.ready["dashboardUrl"])

    @property
    def database(self) -> str:
        """The database's URL, as the program says it."""
        return str(self.ready["database"])

    @property
    def pid(self) -> int:
        """The process to pull the plug of."""
        return int(self.ready["pid"])

    @property
    def client(self) -> Client:
        """An HTTP client for this server, also after a restart."""
        return Client(lambda: self.url)

    @property
    def get(self) -> Callable[..., Answer]:
        """GET a path; see `Client.send` for the words."""
        return self.client.get

    @property
    def post(self) -> Callable[..., Answer]:
        """POST to a path; see `Client.send` for the words."""
        return self.client.post

    @property
    def stderr(self) -> str:
        """What all starts so far wrote to standard error: the log."""
        return self.written("stderr")

    @property
    def stdout(self) -> str:
        """What all starts so far wrote to standard output."""
        return self.written("stdout")

    def written(self, kind: str) -> str:
        """Everything in the files of one kind, in the order of the starts."""
        paths = [self.folder / f"{kind}-{number}.txt" for number in range(1, self.starts + 1)]
        return "".join(path.read_text(errors="replace") for path in paths if path.exists())

    def start(self, port: int = 0) -> None:
        """Start the program and wait until it says that it is ready."""
        self.stop()
        self.starts += 1
        words = ["dev", "--json", "--port", str(port)]
        if self.database_url:
            words += ["--database", self.database_url]
        self.process = processes.start(
            *words, *self.words,
            folder=self.folder,
            environment=shared.plain_environment() | self.environment,
            stdout=self.folder / f"stdout-{self.starts}.txt",
            stderr=self.folder / f"stderr-{self.starts}.txt",
            module=self.program,
            by_name=self.by_name,
        )  # fmt: skip
        self.ready = self.first_line(self.process)

    def first_line(self, process: processes.Process) -> dict[str, Any]:
        """The JSON line of readiness."""
        said = self.folder / f"stdout-{self.starts}.txt"
        deadline = time.monotonic() + shared.START_S
        while process.poll() is None and time.monotonic() < deadline:
            line, ended, _ = said.read_text().partition("\n")
            if ended:
                ready: dict[str, Any] = json.loads(line)
                return ready
            time.sleep(LOOK_EVERY_S)
        self.stop()
        raise AssertionError(
            f"The program did not get ready.\nstdout:\n{self.stdout}\nstderr:\n{self.stderr}"
        )

    def kill9(self) -> None:
        """Pull the plug: no goodbye, no clean-up."""
        os.kill(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Ask it to leave, as a service manager does, and insist as one.

        Nothing happens where it is gone already.
        """
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        """Start it again, with the same database on the same port."""
        self.start(self.port)

    def __repr__(self) -> str:
        return f"<LiveServer {self.ready.get('url')} in {self.folder}>"


StartServer = Callable[..., LiveServer]


@pytest.fixture
def live_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers: `live_server(database_url, env={…}, args=[…], tracebacks_expected=False)`.

    Without a database URL, the program makes a SQLite file in its folder. A log with a traceback
    fails the test at its end. `by_name=True` starts it as a person does, where that matters.
    """
    servers: list[LiveServer] = []
    request.node.stash[SERVERS] = servers

    def start(
        database_url: str | None = None,
        *,
        env: Mapping[str, str] | None = None,
        args: tuple[str, ...] | list[str] = (),
        tracebacks_expected: bool = False,
        by_name: bool = False,
    ) -> LiveServer:
        folder = tmp_path / f"server-{len(servers) + 1}"
        folder.mkdir()
        url = database_url or f"sqlite:///{folder / 'tallystick.db'}"
        server = LiveServer(folder, url, tuple(args), dict(env or {}), tracebacks_expected)
        server.by_name = by_name
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()
    for server in servers:
        assert_no_fault(server)


def assert_no_fault(server: LiveServer) -> None:
    """No test of this server met a fault of ours: each answer 500 of ours logs its traceback."""
    if "Traceback" in server.stderr and not server.tracebacks_expected:
        pytest.fail(f"{server} logged a traceback:\n{tail(server.stderr)}", pytrace=False)


@pytest.fixture
def server(live_server: StartServer, database_url: str) -> Iterator[LiveServer]:
    """One running server; the test runs once on SQLite and once on PostgreSQL."""
    started = live_server(database_url)
    yield started
    # Before its database goes.
    started.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show what the servers wrote under each failure."""
    report = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"log of {server}", tail(server.stderr)))
    return report


def tail(text: str) -> str:
    """The last lines of a log."""
    return "\n".join(text.splitlines()[-REPORT_LINES:])
