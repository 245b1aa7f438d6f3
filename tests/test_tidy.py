"""The house rules that no linter knows; each failure says what to do."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tallystick.catalogue import GATEWAYS
from tallystick.sandbox.catalogue import SIMULATED
from tallystick.settings import NEEDED

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "tallystick"
MODULES = sorted(SRC.rglob("*.py"))

MODULE_LINES = 400
FUNCTION_LINES = 50
SAY_NOTHING_NAMES = {"utils", "helpers", "manager", "common", "data", "info"}
DATABASE_LAYER = {"sqlalchemy", "alembic", "asyncpg", "sqlite3"}
# The simulators keep the gateways' own books, in a file of their own.
MAY_HAVE_SQL = ("store", "sandbox/simulators")
# Of each product: its rows, tables and checks.
ROWS = re.compile(r"products/\w+/(\w+_)?(rows|tables|checks)\.py")
ROUTE_MAKERS = {
    *("get", "post", "put", "patch", "delete", "head", "options", "api_route", "route"),
    *("Route", "APIRoute", "Mount", "WebSocketRoute", "add_route", "add_api_route", "mount"),
}
HAVE_ROUTES = tuple(f"src/tallystick/{place}" for place in ("web", "products", "sandbox/routes.py"))
NOT_GATEWAYS = {"__init__", "abilities", "base", "wire"}
SQL = re.compile(
    r"^\s*(SELECT\s.*\sFROM\s|INSERT INTO\s|UPDATE\s\w+\sSET\s|DELETE FROM\s|CREATE TABLE\s)",
    re.DOTALL,
)
# In pieces, so that this file does not name what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.~}*-])/(?:home|Users|root|work)/[\w.]")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME)\b|(?:#|//|<!--|/\*)\s*XXX\b")


def inside(path: Path) -> str:
    """The path as a person in the checkout writes it."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def fail_with(faults: list[str], remedy: str) -> None:
    """Fail with all faults at once, and the remedy."""
    if faults:
        pytest.fail("\n  ".join([remedy, *faults]), pytrace=False)


def is_migration(path: Path) -> bool:
    """A migration is written once and never again; its length is its own."""
    return "migrations" in path.relative_to(SRC).parts


def project_files() -> list[Path]:
    """Every text file that git has or would take; all but the ignored where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout
    paths = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    if not paths:
        skipped = {".git", ".venv", ".tools", "node_modules", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not skipped & set(path.parts)]
    return [path for path in paths if path.is_file() and is_text(path)]


def is_text(path: Path) -> bool:
    """Whether the file has no zero byte near its beginning."""
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)


def lines_with(patterns: list[re.Pattern[str]], paths: list[Path]) -> list[str]:
    """`file:line: text` for each line that one of the patterns is in."""
    return [
        f"{inside(path)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if any(pattern.search(line) for pattern in patterns)
    ]


def test_every_module_opens_with_one_sentence():
    faults = []
    for path in MODULES:
        first = (ast.get_docstring(tree_of(path)) or "").partition("\n")[0]
        if not re.fullmatch(r".+[.!?]", first):
            faults.append(f"{inside(path)}: {first or 'no docstring'}")

    fail_with(faults, "Say in the first line of the docstring, as a sentence, what the module is:")


def test_modules_are_short():
    counted = [(path, len(path.read_text().splitlines())) for path in MODULES]
    faults = [
        f"{inside(path)}: {lines} lines"
        for path, lines in counted
        if lines > MODULE_LINES and not is_migration(path)
    ]

    fail_with(faults, f"Split what has more than {MODULE_LINES} lines along its nouns or verbs:")


def test_functions_are_short():
    faults = [
        f"{inside(path)}:{node.lineno} {node.name}: {length} lines"
        for path in MODULES
        if not is_migration(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]

    fail_with(faults, f"Split functions of more than {FUNCTION_LINES} lines along their steps:")


def test_module_names_say_something():
    faults = [
        inside(path)
        for path in [*MODULES, *(folder for folder in SRC.rglob("*") if folder.is_dir())]
        if path.stem in SAY_NOTHING_NAMES
    ]

    fail_with(faults, "Name these after the thing or the verb that is in them:")


def test_sql_stands_in_the_store_only():
    faults = [
        f"{inside(path)}:{line}: {what}"
        for path in MODULES
        if not any(SRC / folder in path.parents for folder in MAY_HAVE_SQL)
        if not ROWS.fullmatch(path.relative_to(SRC).as_posix())
        for line, what in sql_in(tree_of(path))
    ]

    fail_with(
        faults,
        "Move the statement into a function of src/tallystick/store, or of the product's rows:",
    )


def sql_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports of the database layer, and strings that are statements, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node):
                if name.split(".")[0] in DATABASE_LAYER:
                    yield node.lineno, f"imports {name}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield node.lineno, node.value.strip()[:60]


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that an import statement is about; the types of a `tx` and a table are none."""
    if isinstance(node, ast.ImportFrom):
        only_types = {alias.name for alias in node.names} <= {"Connection", "Table"}
        return [] if only_types else [node.module or ""]
    return [alias.name for alias in node.names]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from sqlalchemy import text", True),
        ("import sqlite3", True),
        ("from sqlalchemy import Connection", False),
        ("from sqlalchemy import Connection, select", True),
        ("q = 'SELECT id FROM payments WHERE x = 1'", True),
        ("q = 'UPDATE payments SET phase = 1'", True),
        ("q = 'Select a gateway from the list'", False),
        ("from tallystick.store import payments", False),
    ],
)
def test_sql_is_recognised(code, found):
    assert bool(list(sql_in(ast.parse(code)))) is found


def gateways() -> list[str]:
    """The names of the gateways' files, and of their folders."""
    names = {path.stem for path in (SRC / "gateways").glob("*.py")}
    names |= {path.parent.name for path in (SRC / "gateways").glob("*/__init__.py")}
    return sorted(names - NOT_GATEWAYS)


def test_every_gateway_has_a_simulator():
    faults = [
        f"src/tallystick/sandbox/simulators/{name}.py"
        for name in gateways()
        if not (SRC / "sandbox" / "simulators" / f"{name}.py").is_file()
    ]

    fail_with(faults, "Write the other side of the wire:")


def test_every_gateway_can_be_made_of_its_settings_and_simulated():
    simulated = sorted({one.name for one in SIMULATED} - {"sandbox"})

    assert (sorted(NEEDED), sorted(GATEWAYS), simulated) == (gateways(), gateways(), gateways())


def test_every_gateway_passes_the_conformance_suite():
    faults = []
    for name in gateways():
        path = ROOT / "tests" / "gateways" / f"test_{name}.py"
        if not path.is_file() or "GatewayConformance" not in base_classes(tree_of(path)):
            faults.append(inside(path))

    fail_with(faults, "Write a test class with the base GatewayConformance in:")


def base_classes(tree: ast.Module) -> set[str]:
    """The last names of all base classes in a module."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = [base for node in classes for base in node.bases]
    return {ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in bases}


def test_every_setting_is_documented():
    module = module_if_there("tallystick.settings")
    names = sorted(environment_names(module)) if module else []

    fail_with(undocumented(names, "docs/settings.md"), "Describe the setting in docs/settings.md:")


def environment_names(module: ModuleType) -> set[str]:
    """The environment variables that the settings classes read, and those that the file names."""
    written = set(re.findall(r"\bTALLYSTICK_[A-Z0-9_]*[A-Z0-9]\b", source_of(module)))
    for value in vars(module).values():
        prefix = getattr(value, "model_config", {}).get("env_prefix")
        if isinstance(value, type) and prefix:
            for name, field in value.model_fields.items():  # type: ignore[attr-defined]
                alias = field.validation_alias
                choices = getattr(alias, "choices", [alias or prefix + name])
                written |= {str(choice).upper() for choice in choices if isinstance(choice, str)}
    return written


def source_of(module: ModuleType) -> str:
    """The text of a module, or of all modules of a package."""
    path = Path(module.__file__ or "")
    paths = path.parent.rglob("*.py") if path.name == "__init__.py" else [path]
    return "\n".join(part.read_text() for part in paths)


def test_every_error_code_is_documented():
    errors = module_if_there("tallystick.domain.errors")
    codes = {
        code
        for value in vars(errors).values()
        if isinstance(value, type) and isinstance(code := getattr(value, "code", None), str)
    }

    fail_with(undocumented(sorted(codes), "docs/errors.md"), "Describe the code in docs/errors.md:")


def test_every_route_is_documented():
    ours = [path for path in MODULES if inside(path).startswith(HAVE_ROUTES)]
    paths = {path for module in ours for path in routes_in(tree_of(module))}
    page = ROOT / "docs" / "api.md"
    text = nameless(page.read_text()) if page.is_file() else ""
    faults = sorted(path for path in paths if not re.search(route_pattern(path), text))

    fail_with(faults, "Describe the route in docs/api.md, with its whole path:")


def routes_in(tree: ast.Module) -> Iterator[str]:
    """The paths of a module's routes: `@router.get("/x")`, `Route("/x", …)` and their kin."""
    prefixes = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            words = {word.arg: word.value for word in node.value.keywords}
            prefix = words.get("prefix")
            if isinstance(prefix, ast.Constant):
                prefixes[ast.unparse(node.targets[0])] = str(prefix.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            owner, _, verb = ast.unparse(node.func).rpartition(".")
            path = node.args[0].value
            if verb in ROUTE_MAKERS and isinstance(path, str) and re.fullmatch(r"/\S*", path):
                yield prefixes.get(owner, "") + path


def nameless(path: str) -> str:
    """A path with its parameters' names taken out, since docs may use shorter ones."""
    return re.sub(r"\{[^{}\s]*\}", "{}", path)


def route_pattern(path: str) -> str:
    """What finds the path in `nameless` text, as a whole or after a prefix of its router."""
    return re.escape(nameless(path).rstrip("/") or "/") + r"(?![\w/{-])"


@pytest.mark.parametrize(
    ("code", "paths"),
    [
        (
            "@router.get('/api/payments/{payment_id}')\ndef show(): ...",
            ["/api/payments/{payment_id}"],
        ),
        ("r = APIRouter(prefix='/api')\n@r.post('/x')\ndef f(): ...", ["/api/x"]),
        ("routes = [Route('/api/webhooks/{name}', hook)]", ["/api/webhooks/{name}"]),
        ("headers.get('/not a route')", []),
        ("session.get(url)", []),
    ],
)
def test_routes_are_recognised(code, paths):
    assert list(routes_in(ast.parse(code))) == paths


def undocumented(words: list[str], page: str) -> list[str]:
    """The words that the page does not have, as whole words."""
    path = ROOT / page
    text = path.read_text() if path.is_file() else ""
    return [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


def module_if_there(name: str) -> ModuleType | None:
    """The module; None where its file does not exist. What it imports must exist."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is not None and (name + ".").startswith(missing.name + "."):
            return None
        raise


def test_nothing_is_left_for_later():
    code = [path for path in project_files() if path.suffix not in {".lock", ".md"}]
    faults = lines_with([UNFINISHED], [path for path in code if path != Path(__file__)])

    fail_with(faults, "Do it now, or open an issue and take the note out:")


def test_no_file_names_a_registry_host_or_a_home_folder():
    hosts = [re.compile(re.escape(host)) for host in REGISTRY_HOSTS]
    paths = [path for path in project_files() if path != Path(__file__)]

    fail_with(lines_with([*hosts, MACHINE_PATH], paths), "Take this machine's paths and hosts out:")


def test_decision_records_are_numbered_without_gaps():
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    names = [path.name for path in records if path.name != "README.md"]
    faults = [
        f"{name}: expected {number:04d}-…"
        for number, name in enumerate(names)
        if not re.fullmatch(rf"{number:04d}-[a-z0-9-]+\.md", name)
    ]

    fail_with(faults, "Give each decision record the next number and a name in small letters:")


def test_links_between_the_pages_lead_somewhere():
    faults = []
    for page in [path for path in project_files() if path.suffix == ".md"]:
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            path = target.partition("#")[0]
            if path and not re.match(r"[a-z]+:|/", path) and not (page.parent / path).exists():
                faults.append(f"{inside(page)}: {target}")

    fail_with(faults, "Mend or remove the link:")


def test_the_commands_of_the_readme_are_makefile_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = (ROOT / "README.md").read_text()
    code = re.findall(r"```.*?```|`[^`\n]+`|^ {4}.*$", readme, re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(code)))

    assert {"demo", "test"} <= named, "README.md must name `make demo` and `make test`."
    assert named <= targets, f"README.md names what the Makefile has not: {sorted(named - targets)}"
