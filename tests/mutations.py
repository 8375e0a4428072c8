"""Would the tests notice a mistake? Change one token of the code, run the tests, and see.

``python tests/mutations.py`` draws changes at random, such as ``<`` to ``<=``, ``+`` to ``-``,
``0`` to ``1`` or ``min`` to ``max``, and makes each in a temporary copy of the repository. Test
files that are quick to notice come first; the others only see what survives these. What survives
all is either not tested or changes nothing that can be seen. The latter belongs in
``equivalent_mutations.txt`` once a human has found why; its form is explained there.

Every result is written at once to a file of JSON lines, and the same command goes on from there: a
change that was caught is not tried again while the package is the same, one that survived while
package and tests are. Linux and macOS only, as it forks.
"""

import argparse
import ast
import compileall
import glob
import hashlib
import importlib
import json
import os
import py_compile
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).resolve().parents[1]
PATHS = ("skcoin/_em/*.py", "skcoin/_families/*.py", "skcoin/_counts.py", "skcoin/_fit.py")
COPIED = ("skcoin", "tests", "docs", "pyproject.toml", "README.md", "README.zh.md")
FIRST = (  # those that catch most in a second
    *("test_references.py", "test_published.py", "test_families.py", "test_counts.py"),
    *("test_newton.py", "test_starts.py", "test_stopping.py", "test_likelihood.py"),
    *("test_nonparametric.py", "test_division.py", "test_rough_mixing.py", "test_redundancy.py"),
    *("test_rates.py", "test_gradient_function.py", "test_places.py", "test_regroup.py"),
    *("test_npmle.py", "test_many_tosses.py", "test_beta_binomial.py", "test_products.py"),
)
NOT_OF_THE_CODE = ("test_api.py", "test_chinese.py", "test_docs.py", "test_datasets.py")
EQUIVALENT = Path(__file__).with_name("equivalent_mutations.txt")
LOADED_ONCE = (  # by the process whose children run the tests: all that is slow but not under test
    *("mpmath", "numpy", "pytest", "scipy.linalg", "scipy.optimize", "scipy.special"),
    *("scipy.stats", "sklearn.base", "sklearn.mixture", "sklearn.utils.estimator_checks"),
    *("matplotlib.pyplot", "pandas", "narwhals"),
)
MEMORY = 6 * 2**30  # address space of a test run, which an endless list would fill


# Changes

INDEX, AXIS, BELOW_0 = "index", "axis", "below 0"  # where a constant stands

SWAPS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: (r"\|", "&"),
}
PAIRS = ("min max", "minimum maximum", "argmin argmax", "nanmin nanmax", "any all", "floor ceil")
NAMES = {a: b for pair in PAIRS for a, b in (pair.split(), pair.split()[::-1])}
LEFT_ALONE = ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom
OPTIONS = ("strict", "stacklevel", "copy")  # keywords that change no number


@dataclass(frozen=True)
class Mutation:
    """One line of a file, and that line changed."""

    path: str
    line: int
    source: str
    mutant: str

    def __str__(self):
        return f"{self.path}:{self.line}\n    - {self.source}\n    + {self.mutant}"

    @property
    def key(self):
        """What it is known by in the list of equivalent ones, wherever the line has moved."""
        return self.path, self.source, self.mutant


class Finder(ast.NodeVisitor):
    """All changes of one token, as (start, end, replacement), in bytes of the source.

    Left alone: strings, and what raises, is a type or decorates.
    """

    def __init__(self, source):
        self.source = source
        self.edits = []
        self._lines = [0, *(match.end() for match in re.finditer(b"\n", source))]
        self._place = None
        self.visit(ast.parse(source))

    def _start(self, node):
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node):
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def _edit(self, start, end, text):
        self.edits.append((start, end, text.encode()))

    def _swap(self, operator, left, right):
        """Change the operator between two nodes; what else is there are brackets and comments."""
        if type(operator) not in SWAPS:
            return
        start, pattern = self._end(left), SWAPS[type(operator)]
        gap = self.source[start : self._start(right)]
        gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment[0]), gap)
        found = re.search(pattern[0].encode(), gap)
        self._edit(start + found.start(), start + found.end(), pattern[1])

    def visit(self, node):
        if not isinstance(node, LEFT_ALONE):
            super().visit(node)

    def visit_FunctionDef(self, node):
        for part in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(part)

    def visit_ClassDef(self, node):
        for part in node.body:
            self.visit(part)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node):
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
            self._swap(operator, left, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        for left, right in zip(node.values[:-1], node.values[1:], strict=True):
            self._swap(node.op, left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node):
        if not _is_text(node.left) and not _is_text(node.right):
            self._swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        if not _is_text(node.value):
            self._swap(node.op, node.target, node.value)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        start, negative = self._start(node), isinstance(node.op, ast.USub)
        if not (negative and self._place is AXIS):  # of a table -1 and 1 are the same axis
            self._edit(start, start + (4 if isinstance(node.op, ast.Not) else 1), "")
        self._visit_part(node.operand, BELOW_0 if negative else self._place)

    def visit_Subscript(self, node):
        self._visit_part(node.value, None)
        self._visit_part(node.slice, INDEX)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            return
        self._rename(node.func)
        for part in (node.func, *node.args, *node.keywords):
            self._visit_part(part, None)

    def visit_keyword(self, node):
        if node.arg not in OPTIONS:
            self._visit_part(node.value, AXIS if (node.arg or "").startswith("axis") else None)

    def visit_Constant(self, node):
        changed = _other_value(node.value, self._place)
        if changed is not None:
            self._edit(self._start(node), self._end(node), repr(changed))

    def _visit_part(self, node, place):
        before, self._place = self._place, place
        self.visit(node)
        self._place = before

    def _rename(self, function):
        name = getattr(function, "attr", getattr(function, "id", None))
        if name in NAMES:
            self._edit(self._end(function) - len(name), self._end(function), NAMES[name])


def _is_text(node):
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _other_value(value, place):
    """What takes the place of a constant, or None."""
    if isinstance(value, bool):
        return not value
    if not isinstance(value, int | float):
        return None
    if value == 0:
        return type(value)(1)
    if value == 1 and place in (INDEX, AXIS):
        return 0
    if value == 2 and place is BELOW_0:  # -1 and -2 are axes and places more often than numbers
        return 1
    return 2 * value


def mutations_of(path):
    """Each change of a file, with the source that it makes."""
    source = (ROOT / path).read_bytes()
    for start, end, text in Finder(source).edits:
        mutated = source[:start] + text + source[end:]
        line = source.count(b"\n", 0, start)
        lines = [code.decode().split("\n")[line].strip() for code in (source, mutated)]
        with suppress(SyntaxError):
            ast.parse(mutated)
            yield Mutation(path, line + 1, *lines), mutated


def find(patterns):
    """All changes of the files that these paths, folders or patterns name."""
    files = []
    for pattern in patterns:
        place = ROOT / pattern
        found = glob.glob(str(place / "**/*.py" if place.is_dir() else place), recursive=True)
        if not found:
            raise SystemExit(f"{pattern} names no file in {ROOT}. Name others with --paths.")
        files += sorted(Path(file).relative_to(ROOT).as_posix() for file in found)
    return [mutation for path in dict.fromkeys(files) for mutation in mutations_of(path)]


# What is known from before


def equivalents():
    """Changes that a human has found to make no difference."""
    if not EQUIVALENT.exists():
        return set()
    text = re.sub(r"^#.*\n?", "", EQUIVALENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = re.findall(r"^(\S+)\n- (.*)\n\+ (.*)$", text, flags=re.MULTILINE)
    return set(entries)


def warn_of_stale(known, found):
    """Say which entries, of the files that are looked at, are about lines that are gone."""
    files = {path for path, _, _ in found}
    for path, source, mutant in sorted(known - found):
        if path in files:
            print(f"{EQUIVALENT.name} is out of date: {path} has no\n- {source}\n+ {mutant}")


def digest(*folders):
    """What changes when a file of these folders does, but for this one."""
    code = hashlib.sha256()
    for file in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        if file != Path(__file__):
            code.update(file.read_bytes())
    return code.hexdigest()[:16]


class Progress:
    """The results so far, in a file of JSON lines that only grows."""

    def __init__(self, file):
        self.file = Path(file)
        self.code, self.tests = digest("skcoin"), digest("skcoin", "tests")
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        self.results = [json.loads(line) for line in lines]

    def of(self, mutation):
        """The last result that still holds, or None."""
        for result in reversed(self.results):
            if asdict(mutation).items() <= result.items() and self._holds(result):
                return result
        return None

    def _holds(self, result):
        if result["verdict"] in (PASSED_FIRST, "survived"):
            return result["tests"] == self.tests
        return result["code"] == self.code

    def verdict_of(self, mutation):
        result = self.of(mutation)
        return result and result["verdict"]

    def seconds_of_tests(self, names):
        """Of each of these test files, if all have been timed as package and tests are."""
        for result in reversed(self.results):
            timed = result["verdict"] == "timed" and result["tests"] == self.tests
            if timed and set(names) <= set(result["seconds"]):
                return {name: result["seconds"][name] for name in names}
        return None

    def add(self, result):
        result |= {"code": self.code, "tests": self.tests}
        self.results.append(result)
        with self.file.open("a", encoding="utf-8") as lines:
            print(json.dumps(result), file=lines)


# Test runs, each in a child of a process that has loaded all that is slow to import


PASSED_FIRST = "passed first"  # survived the test files that come first; others may catch it
STRAY = 99  # exit code if the tests ran on another skcoin than that of the copy


def enter_copy(work):
    """Make a copy of the repository, and go there: for each worker its own."""
    copy = Path(tempfile.mkdtemp(dir=work))
    ignored = shutil.ignore_patterns("__pycache__", "_build")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, copy)
    os.environ["TMPDIR"] = tempfile.tempdir = str(work)  # which is removed in the end
    os.chdir(copy)
    # Known by their content: two changes of one file may have one size, and be of one second.
    by_content = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir("skcoin", quiet=1, invalidation_mode=by_content)


def try_out(mutation, mutated, limits, verdict):
    """Run test files until one fails: by which test, and the seconds that it took.

    ``verdict`` is what it is if none fails.
    """
    start, file = monotonic(), Path(mutation.path)
    original = file.read_bytes()
    file.write_bytes(mutated)
    by = ""
    try:
        for name, limit in limits.items():
            code, by = run_tests(name, limit)
            if code != 0:
                verdict = "hung" if code is None else "caught"
                break
    finally:
        file.write_bytes(original)
    return asdict(mutation) | {"verdict": verdict, "by": by, "seconds": monotonic() - start}


def time_tests(name):
    """How long a test file takes as the code is; refuse to go on if it fails."""
    start = monotonic()
    code, _ = run_tests(name, 3600)
    if code not in (0, 5):  # 5: all of its tests are slow
        output = Path("output.txt").read_text(encoding="utf-8")
        raise SystemExit(f"{name} fails as the code is, with exit code {code}:\n{output[-3000:]}")
    return monotonic() - start


def run_tests(name, limit):
    """The exit code of a test file, None if it takes too long, and the name of what failed."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _be_tests(name)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)
    try:
        code = _exit_code(child, limit)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and all that the tests may have started
    if code is None:
        os.waitpid(child, 0)
        return None, name
    if code == STRAY:
        raise RuntimeError("The tests imported another skcoin than that of the copy.")
    return code, _failed(name) if code else ""


def _exit_code(child, limit):
    """Of a process that ends within the limit, else None."""
    deadline = monotonic() + limit
    while monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        sleep(0.02)
    return None


def _failed(name):
    output = Path("output.txt").read_text(encoding="utf-8", errors="replace")
    failed = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(.*?)(?: - |$)", output, flags=re.MULTILINE)
    return failed[1] if failed else name


def _be_tests(name):
    """Become a run of pytest."""
    code = 1
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        here = os.environ["PYTHONPATH"] = os.getcwd()
        sys.path[:] = [here, *(path for path in sys.path if path != str(Path(__file__).parent))]
        options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=")
        code = int(
            importlib.import_module("pytest").main([*options, "-m", "not slow", f"tests/{name}"])
        )
        imported = sys.modules.get("skcoin")
        if imported is not None and not Path(imported.__file__).is_relative_to(here):
            code = STRAY
        sys.stdout.flush()
    finally:
        os._exit(code)  # past the workers' own clean-up


# The whole run


def limits_of(pool, names, progress):
    """How long each test file may take, the quickest first: several times as long as it does."""
    seconds = progress.seconds_of_tests(names)
    if seconds is None:
        print(f"{len(names)} test files on the code as it is ...", flush=True)
        seconds = dict(zip(names, pool.map(time_tests, names), strict=True))
        progress.add({"verdict": "timed", "seconds": seconds})
    print(f"{sum(seconds.values()):.0f} seconds of tests, if none fails", flush=True)
    return {name: 20 + 5 * seconds[name] for name in sorted(names, key=seconds.get)}


def likeliest_first(limits, path, progress):
    """The same test files, in the order of how many changes of that file they catch in a second."""
    caught = (r for r in progress.results if r["verdict"] == "caught" and r["path"] == path)
    by = Counter(result["by"].partition("::")[0] for result in caught)
    return dict(sorted(limits.items(), key=lambda item: -(1 + by[item[0]]) / item[1]))


def run(pool, todo, limits, after, jobs, deadline, progress):
    """Try changes until all are tried or the time is up."""
    running, waiting, n_tried = set(), list(todo), 0
    while running or (waiting and monotonic() < deadline):
        while waiting and len(running) < jobs and monotonic() < deadline:
            change = waiting.pop(0)
            in_turn = likeliest_first(limits, change[0].path, progress)
            running.add(pool.submit(try_out, *change, in_turn, after))
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for result in (future.result() for future in ended):
            n_tried += 1
            progress.add(result)
            place = f"{result['path']}:{result['line']}"
            said = f"{result['verdict']:12} {result['seconds']:4.0f} s  {place}  {result['by']}"
            print(f"{n_tried:4}/{len(todo)} {said}", flush=True)


def run_all(sample, progress, options):
    """All changes on the test files that come first, then what is left on the others."""
    deadline = monotonic() + options.budget
    files = _test_files(options.first, options.skip)
    _load()
    with tempfile.TemporaryDirectory() as work, _pool(options.jobs, work) as pool:
        for names, before, after in zip(
            files, (None, PASSED_FIRST), (PASSED_FIRST, "survived"), strict=True
        ):
            todo = [change for change in sample if progress.verdict_of(change[0]) == before]
            if todo and monotonic() < deadline:
                limits = limits_of(pool, names, progress)
                run(pool, todo, limits, after, options.jobs, deadline, progress)


def report(sample, known, progress):
    """A table of verdicts, and the changes that survived; how many of these there are."""
    results = [progress.of(mutation) for mutation in sample if mutation.key not in known]
    tried = [result for result in results if result]
    survived = [r for r in tried if r["verdict"] in (PASSED_FIRST, "survived")]
    print("\n| verdict          | changes | seconds |\n| ---------------- | ------- | ------- |")
    for verdict in ("caught", "hung", PASSED_FIRST, "survived"):
        seconds = [result["seconds"] for result in tried if result["verdict"] == verdict]
        print(f"| {verdict:16} | {len(seconds):7} | {sum(seconds):7.0f} |")
    for name, n in (
        ("known equivalent", len(sample) - len(results)),
        ("not tried", len(results) - len(tried)),
    ):
        print(f"| {name:16} | {n:7} | {'':7} |")
    by = Counter(result["by"].partition("::")[0] for result in tried if result["by"])
    print("\nCaught by", ", ".join(f"{name} {n}" for name, n in by.most_common()) or "nothing")
    for result in survived:
        where = f"# line {result['line']}: {result['verdict']}, {result['seconds']:.0f} s of tests"
        print(f"\n{where}\n{result['path']}\n- {result['source']}\n+ {result['mutant']}")
    return len(survived)


def options_of(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--n", type=int, default=200, help="changes to draw (200)")
    add("--seed", type=int, default=0, help="of the draw (0)")
    add("--paths", nargs="+", default=PATHS, help="files, folders or patterns of the repository")
    add("--jobs", type=int, default=2, help="changes to try at a time (2)")
    add("--budget", type=float, default=float("inf"), help="seconds after which to begin no other")
    add("--first", nargs="*", default=FIRST, help="test files that come first")
    add("--skip", nargs="*", default=NOT_OF_THE_CODE, help="test files to leave out")
    add("--progress", default="mutations.jsonl", help="file of results (mutations.jsonl)")
    add("--list", action="store_true", help="show what would be tried, and stop")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = options_of(arguments)
    found = find(options.paths)
    sample = random.Random(options.seed).sample(found, min(options.n, len(found)))
    print(f"{len(sample)} of {len(found)} changes", flush=True)
    if options.list:
        print(*(mutation for mutation, _ in sample), sep="\n")
        return 0
    known, progress = equivalents(), Progress(options.progress)
    warn_of_stale(known, {mutation.key for mutation, _ in found})
    run_all([change for change in sample if change[0].key not in known], progress, options)
    return min(1, report([mutation for mutation, _ in sample], known, progress))


def _test_files(first, skipped):
    """The test files that come first, and the others."""
    present = sorted(file.name for file in (ROOT / "tests").glob("test_*.py"))
    first = [name for name in first if name in present and name not in skipped]
    return first, [name for name in present if name not in {*first, *skipped}]


def _load():
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    for name in LOADED_ONCE:
        with suppress(ImportError):
            importlib.import_module(name)


def _pool(jobs, work):
    return ProcessPoolExecutor(
        jobs, mp_context=get_context("fork"), initializer=enter_copy, initargs=(work,)
    )


if __name__ == "__main__":
    sys.exit(main())
