#!/usr/bin/env python3
"""Holds the sources to the layers: what a folder of common/ includes it must have declared in its CMakeLists.txt,
and a core knows no sockets, no clock, no chance, no environment, no files and no threads. The folders of tools/sipd
stand one on the other in one order, and its call/ is a core. A class lives in one .cpp: what is too much for one is cut by its state. And errno
is read by whoever made the system call, and by nobody else."""
import collections
import pathlib
import re
import sys

CORES = {"core", "sip", "sdp", "rtp", "codec", "audio", "echo", "ipc", "telemetry", "json", "language", "media", "call", "voice", "flow"}
FORBIDDEN_IN_CORES = [
    (r"boost/(asio|beast)", "Asio belongs to common/net and common/http"),
    (r"#include <(sys/socket|netinet/|arpa/|sys/epoll|unistd|fcntl|poll)", "system calls belong to common/net and common/file"),
    (r"#include <(fstream|filesystem|cstdio|stdio\.h)>", "files belong to common/file"),
    (r"\bdlopen\b|#include <dlfcn", "dynamic loading belongs to common/dynamic"),
    (r"\berrno\b", "the reason of a failure is an Error's, and errno its caller's who made the system call"),
    (r"#include <(thread|mutex|condition_variable|future)>", "cores have no threads"),
    (r"(steady|system|high_resolution)_clock", "a core cannot ask for the time"),
    (r"\b(clock_gettime|gettimeofday|std::time|time\(nullptr\))", "a core cannot ask for the time"),
    (r"\b(random_device|getenv|RAND_bytes)\b", "chance and the environment are passed in"),
]

# Folders of tools/sipd: each may include those before it.
SIPD_ORDER = ["agent", "bridge", "messages", "sinks", "call", "worker", "api", "daemon"]
# The logic of its calls is a core as well: timers, sockets and names come from its CallHost, and the time is an argument.
SIPD_CORES = {"call"}
FORBIDDEN_IN_SIPD_CORES = [
    (r'#include "(net|http|file)/', "sockets, clocks and files belong to the CallHost"),
    (r"\bnet::(now|wall_clock_us|Timer|UdpSocket|Resolving|Connecting|Process)\b", "asks the CallHost"),
    (r"\bnow\(\)", "a core cannot ask for the time"),
]
# Classes that still have members in several .cpp: folder and class. Likewise.
SPLIT_KNOWN = {
    ("common/flow", "FlowDialogue"),
    ("common/voice", "Session::Impl"),
}
# "Result<> Worker::command(" and "Worker::~Worker(" at the beginning of a line.
MEMBER = re.compile(r"(?:[\w:<>,*&\s\[\]]+?[\s*&])?((?:\w+::)+)~?(?:\w+|operator\W+)\(")


def declared(cmake: pathlib.Path) -> set[str]:
    """The common/ libraries that a CMakeLists.txt names behind DEPENDS."""
    text = re.sub(r"#.*", "", cmake.read_text())
    names: set[str] = set()
    for group in re.findall(r"DEPENDS([^)]*)", text):
        for word in group.split():
            if word.isupper():
                break
            names.add(word)
    return names


def strip_comments(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def sipd_order(root: pathlib.Path) -> list[str]:
    faults = []
    sipd = root / "tools" / "sipd"
    folders = {path.parent.name for path in sipd.glob("*/*.cpp")}
    faults += [f"tools/sipd/{name}: tests/layers.py does not know where this folder stands" for name in sorted(folders - set(SIPD_ORDER))]
    for height, name in enumerate(SIPD_ORDER):
        for path in sorted((sipd / name).glob("*.[ch]pp")):
            for number, line in enumerate(strip_comments(path.read_text()).splitlines(), 1):
                include = re.match(r'\s*#include\s+"sipd/(\w+)/', line)
                where = f"{path.relative_to(root)}:{number}"
                if include and include[1] not in SIPD_ORDER[: height + 1]:
                    faults.append(f"{where}: includes sipd/{include[1]}, which stands above sipd/{name}")
                if name in SIPD_CORES:
                    rules = FORBIDDEN_IN_CORES + FORBIDDEN_IN_SIPD_CORES
                    faults += [f"{where}: {why}" for pattern, why in rules if re.search(pattern, line)]
    return faults


def split_classes(root: pathlib.Path) -> list[str]:
    """Classes, by folder, whose members are defined in several .cpp."""
    homes: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for top in ("common", "tools"):
        for path in (root / top).rglob("*.cpp"):
            if "node_modules" in path.parts:
                continue
            folder = str(path.parent.relative_to(root))
            for line in strip_comments(path.read_text()).splitlines():
                member = MEMBER.match(line)
                if member and not line.endswith(";") and not line.startswith((" ", "return ", "using ")):
                    homes[folder, member[1][:-2]].add(path.name)
    split = {where: files for where, files in homes.items() if len(files) > 1}
    return [
        f"{folder}: {name} has members in {', '.join(sorted(files))}; a class lives in one .cpp"
        for (folder, name), files in sorted(split.items())
        if (folder, name) not in SPLIT_KNOWN
    ]


# What a file includes that makes system calls itself.
SYSTEM_HEADER = re.compile(r"#include <(unistd|fcntl|poll|sys/|netinet/|arpa/)")
# A signal handler gives errno back as it found it.
SETS_ERRNO = {"tools/transcode/signals.cpp"}


def stray_errno(root: pathlib.Path) -> list[str]:
    """errno where no system call is made, and where it is set so that somebody else reads it: Error::system is for that."""
    faults = []
    for top in ("common", "tools"):
        for path in sorted((root / top).rglob("*.[ch]pp")):
            if "node_modules" in path.parts:
                continue
            text = strip_comments(path.read_text())
            name = str(path.relative_to(root))
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(r"\berrno = ", line) and name not in SETS_ERRNO:
                    faults.append(f"{name}:{number}: sets errno; an Error carries its reason")
                if re.search(r"\berrno\b", line) and not SYSTEM_HEADER.search(text):
                    faults.append(f"{name}:{number}: reads errno and makes no system call; ask the Error")
    return faults


def main(root: pathlib.Path) -> int:
    common = root / "common"
    libraries = {path.parent.name: declared(path) for path in common.glob("*/CMakeLists.txt")}

    def closure(name: str, seen: set[str]) -> set[str]:
        for dep in libraries.get(name, set()) - seen:
            seen.add(dep)
            closure(dep, seen)
        return seen

    faults = []
    checked = 0
    for name in sorted(libraries):
        allowed = {name} | closure(name, set())
        for path in sorted((common / name).glob("*.[ch]pp")):
            checked += 1
            for number, line in enumerate(strip_comments(path.read_text()).splitlines(), 1):
                where = f"{path.relative_to(root)}:{number}"
                include = re.match(r'\s*#include\s+"([^"/]+)/', line)
                if include and include[1] not in allowed:
                    faults.append(f"{where}: includes {include[1]}/, which common/{name}/CMakeLists.txt does not declare")
                if name in CORES:
                    faults += [f"{where}: {why}" for pattern, why in FORBIDDEN_IN_CORES if re.search(pattern, line)]
    faults += sipd_order(root)
    faults += split_classes(root)
    faults += stray_errno(root)
    for fault in faults:
        print(fault)
    print(f"{checked} files of {len(libraries)} libraries, {len(faults)} faults")
    return 1 if faults or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
