#!/usr/bin/python3
"""Runs a command, and all that it starts, as on a machine that has other things to do.

    stalls.py [--seed N] COMMAND...      e.g. stalls.py ctest --preset dev -j8 --schedule-random

Every 0.2 to 2 s everything stands still for 5 to 600 ms, like a guest whose host is busy: nothing runs, the clocks go on, and what
comes in waits. Our tests pass nevertheless: a test that does not asks what only a quiet machine gives. The exit code is the
command's. Needs root and a cgroup that can be frozen (version 2, or the freezer of version 1).
"""
import argparse
import os
import random
import subprocess
import sys
import time


class Group:
    """A cgroup of our own, which is empty and gone at the end."""

    def __init__(self):
        for root, switch, on, off in (("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED"),
                                      ("/sys/fs/cgroup", "cgroup.freeze", "1", "0"),
                                      ("/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0")):
            self.path = os.path.join(root, f"talky-stalls-{os.getpid()}")
            self.on, self.off, self.switch = on, off, os.path.join(self.path, switch)
            try:
                os.mkdir(self.path)
            except OSError:
                continue
            if os.path.exists(self.switch):
                return
            os.rmdir(self.path)
        sys.exit("stalls.py: no cgroup here that can be frozen (are you root?)")

    def join(self):
        self.write(os.path.join(self.path, "cgroup.procs"), str(os.getpid()))

    def stall(self, seconds):
        self.write(self.switch, self.on)
        try:
            time.sleep(seconds)
        finally:
            self.write(self.switch, self.off)

    def remove(self):
        try:
            os.rmdir(self.path)
        except OSError as error:
            print(f"stalls.py: {self.path}: {error.strerror}: what the command started is still there", file=sys.stderr)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    a = parser.parse_args()
    if not a.command:
        parser.error("a command is wanted")
    chance, count, total = random.Random(a.seed), 0, 0.0
    group = Group()
    process = subprocess.Popen(a.command, preexec_fn=group.join)
    try:
        while process.poll() is None:
            time.sleep(chance.uniform(.2, 2))
            seconds = chance.uniform(*chance.choice(((.005, .05), (.02, .15), (.1, .6))))
            group.stall(seconds)
            count, total = count + 1, total + seconds
    except KeyboardInterrupt:
        process.wait()
    print(f"stalls.py: {count} stalls, {total:.1f} s in all", file=sys.stderr)
    group.remove()
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
