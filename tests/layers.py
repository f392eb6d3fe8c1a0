#!/usr/bin/env python3
"""Holds the sources to the layers: what a folder of common/ includes it must have declared in its CMakeLists.txt,
and a core knows no sockets, no clock, no chance, no environment, no files and no threads."""
import pathlib
import re
import sys

CORES = {"core", "sip", "sdp", "rtp", "codec", "audio", "ipc", "telemetry", "json", "language", "media", "call", "voice", "flow"}
FORBIDDEN_IN_CORES = [
    (r"boost/(asio|beast)", "Asio belongs to common/net and common/http"),
    (r"#include <(sys/socket|netinet/|arpa/|sys/epoll|unistd|fcntl|poll)", "system calls belong to common/net and common/file"),
    (r"#include <(fstream|filesystem|cstdio|stdio\.h)>", "files belong to common/file"),
    (r"#include <(thread|mutex|condition_variable|future)>", "cores have no threads"),
    (r"(steady|system|high_resolution)_clock", "a core cannot ask for the time"),
    (r"\b(clock_gettime|gettimeofday|std::time|time\(nullptr\))", "a core cannot ask for the time"),
    (r"\b(random_device|getenv|RAND_bytes)\b", "chance and the environment are passed in"),
]


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
    for fault in faults:
        print(fault)
    print(f"{checked} files of {len(libraries)} libraries, {len(faults)} faults")
    return 1 if faults or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
