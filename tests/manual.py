#!/usr/bin/env python3
"""Holds HACKING.md to the sources: each path that it names exists, each `file:function` is found in that file, and each
folder of common/ and tools/ stands in its map."""
import pathlib
import re
import sys


def faults_of(text: str, root: pathlib.Path) -> tuple[list[str], int]:
    faults: list[str] = []
    checked = 0
    for number, line in enumerate(text.splitlines(), 1):
        for quoted in re.findall(r"`([^`]+)`", line):
            match = re.fullmatch(r"((?:common|tools|tests|scripts|man)/[\w./-]*[\w-])/?(?::([\w:~]+))?", quoted)
            if not match or "NAME" in quoted: # NAME stands for whatever it will be
                continue
            checked += 1
            path, function = root / match[1], match[2]
            if not path.exists():
                faults.append(f"HACKING.md:{number}: there is no {match[1]}")
            elif function:
                name = function.split("::")[-1]
                if not re.search(rf"\b{re.escape(name)}\s*\(", path.read_text()):
                    faults.append(f"HACKING.md:{number}: {match[1]} has no function {function}")
                elif "::" in function and function.split("::")[-2] not in path.read_text():
                    faults.append(f"HACKING.md:{number}: {match[1]} does not name {function.split('::')[-2]}")
    folders = [path.parent for top in ("common", "tools") for path in (root / top).glob("*/CMakeLists.txt")]
    folders += {path.parent for path in (root / "tools").glob("*/*/*.cpp")}
    for folder in sorted(folders):
        if f"`{folder.relative_to(root)}`" not in text:
            faults.append(f"HACKING.md: the map leaves out {folder.relative_to(root)}")
    return faults, checked


def main(root: pathlib.Path) -> int:
    faults, checked = faults_of((root / "HACKING.md").read_text(), root)
    for fault in faults:
        print(fault)
    print(f"{checked} places named, {len(faults)} faults")
    return 1 if faults or checked < 50 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
