#!/usr/bin/python3
"""Who was late: seen from outside of the programs under test.

    witness.py watch NAME PORT COUNT PID    until SIGTERM; who may not capture on lo (root, CAP_NET_RAW) has
                                            no packet excused
    witness.py tell NAME WHAT...            of all NAME.*.packets and NAME.*.stalls; several WHATs are added up

watch keeps two things that talky-sipd can neither write nor colour:
    NAME.packets  the UDP packets on lo from and to COUNT ports from PORT on, with the kernel's time stamps, as a pcap
    NAME.stalls   BEGIN END WHO, in seconds: times in which somebody was kept from running. `ticker` is this process, which
                  does nothing but wake every 10 ms: what keeps it from that keeps everything. The others are the processes
                  below PID: how long a thread was ready to run and got no processor, by the kernel's account (schedstat).
tell counts pieces of sound (100 ms) that may be missing from what went
    in      to these ports: for a packet that left late or not at all, 3 (a gap, and what makes up for it)
    out     from these ports: for a jump in the timestamps, 2, if talky-sipd was kept from running before it
    phone   from these ports to one who plays it as it comes: for a packet that left late, 3, if it was kept from running
    agent   from an agent to talky-sipd: for a hole in what leaves these ports (4 ms of digital silence and more, in the
            midst of sound), 2, if anybody was kept from running before it
or, without a weight, `gaps`: the jumps that `out` counts; `late-in`, `late-out`: the packets that `in` and `phone` count;
`unsaid`: the jumps of streams to us, if somebody was kept from running before them;
`sent`: the packets of sound from us; `times`: how often anybody was kept from running; `stalled`: the milliseconds in which
talky-sipd was. WHAT:PORT says it of that port of ours alone.
A packet is late if it left more than 10 ms after the time that the fastest of its stream predicts from its timestamp, and not
later than half a second after the last sound of its stream.
Standard library alone, and light: one of these stands beside each daemon.
"""
import bisect
import ctypes
import glob
import os
import re
import signal
import socket
import struct
import sys
import time

TICK = .010
SAMPLE = .050
SHORTEST = .005   # s: less than that is not told of the ticker
WAITED = .008     # s: nor this of a thread, in SAMPLE
LATE = .010       # s: what a jitter buffer of ours bears
AFTER = .5        # s behind the last sound
UNSENT = .100     # s: for less no packet of ours stays unsent; it takes 200 ms
BEFORE = .060     # s: as exactly as it is known when a thread waited
SILENCE = rb"[\xff\x7f]{32,}|[\xd5\x55]{32,}"  # of mu-law and A-law: 4 ms
PACKET_OUTGOING = 4


def udp_filter(first, last):
    """Classic BPF for a cooked socket: UDP over IPv4 or IPv6, from or to these ports; not the copy that leaves."""
    ld, ldb, ldh, ldxb, ldhx, jeq, jge, jgt, rsh, ret = 0x20, 0x30, 0x28, 0xb1, 0x48, 0x15, 0x35, 0x25, 0x74, 0x06
    code = [  # (code, k, then, else): names of lines, or none for the next
        (ld, 0xfffff000 + 4, 0, 0), (jeq, PACKET_OUTGOING, "no", 0),
        (ldb, 0, 0, 0), (rsh, 4, 0, 0), (jeq, 6, "v6", 0), (jeq, 4, 0, "no"),
        (ldb, 9, 0, 0), (jeq, 17, 0, "no"), (ldxb, 0, 0, 0),
        (ldhx, 0, 0, 0), (jge, first, 0, "to4"), (jgt, last, 0, "yes"),
        ("to4", ldhx, 2, 0, 0), (jge, first, 0, "no"), (jgt, last, "no", "yes"),
        ("v6", ldb, 6, 0, 0), (jeq, 17, 0, "no"),
        (ldh, 40, 0, 0), (jge, first, 0, "to6"), (jgt, last, 0, "yes"),
        ("to6", ldh, 42, 0, 0), (jge, first, 0, "no"), (jgt, last, "no", 0),
        ("yes", ret, 0xffff, 0, 0), ("no", ret, 0, 0, 0)]
    lines = {row[0]: at for at, row in enumerate(code) if isinstance(row[0], str)}
    jump = lambda to, at: lines[to] - at - 1 if isinstance(to, str) else to
    return b"".join(struct.pack("=HBBI", row[0], jump(row[2], at), jump(row[3], at), row[1])
                    for at, row in ((at, row[-4:]) for at, row in enumerate(code)))


class Capture:
    SO_ATTACH_FILTER, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS, SO_RCVBUFFORCE = 26, 35, 263, 6, 33

    def __init__(self, path, first, last):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
        self.file.flush()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        program = udp_filter(first, last)
        buffer = ctypes.create_string_buffer(program)
        self.socket.setsockopt(socket.SOL_SOCKET, self.SO_ATTACH_FILTER,
                               struct.pack("HL", len(program) // 8, ctypes.addressof(buffer)))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, self.SO_RCVBUFFORCE, 16 << 20)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, self.SO_TIMESTAMPNS, 1)
        self.socket.bind(("lo", 0x0003))
        self.socket.setblocking(False)

    def read(self):
        some = False
        for _ in range(256):
            try:
                data, control, _, _ = self.socket.recvmsg(65535, 64)
            except BlockingIOError:
                break
            seconds, nanos = struct.unpack("=qq", next(c[2] for c in control if c[1] == self.SO_TIMESTAMPNS)[:16])
            self.file.write(struct.pack("<IIII", seconds, nanos, len(data), len(data)) + data)
            some = True
        if some:
            self.file.flush()

    def dropped(self):
        return struct.unpack("II", self.socket.getsockopt(self.SOL_PACKET, self.PACKET_STATISTICS, 8))[1]


class Threads:
    """How long each thread below a process has waited for a processor."""

    def __init__(self, root):
        self.root, self.waited, self.names = root, {}, {}

    def sample(self):
        """(name of the process, seconds waited since the last time) of those that waited WAITED or more."""
        out, pids, seen = [], [self.root], {}
        while pids:
            pid = pids.pop()
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    base = f"/proc/{pid}/task/{task}"
                    with open(base + "/children", encoding="ascii") as file:
                        pids += [int(child) for child in file.read().split() if int(child) != os.getpid()]
                    with open(base + "/schedstat", encoding="ascii") as file:
                        seen[(pid, task)] = int(file.read().split()[1]) / 1e9
                    with open(base + "/comm", encoding="ascii", errors="replace") as file:
                        if str(pid) == task:
                            self.names[pid] = file.read().strip().replace(" ", "_")
            except OSError:
                continue  # it has ended
        for key, waited in seen.items():
            more = waited - self.waited.get(key, 0.0)  # of a new thread all
            if more >= WAITED:
                out.append((self.names.get(key[0], "?"), more))
        self.waited = seen
        return out


def watch(name, first, count, pid):
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    threads = Threads(pid)
    with open(name + ".stalls", "w", encoding="ascii") as stalls:
        try:
            capture = Capture(name + ".packets", first, first + count - 1)
        except PermissionError as error:  # then no packet was late, as far as anybody knows
            print(f"witness.py: no right to capture on lo: {error}", file=sys.stderr)
            capture = None
        threads.sample()
        print("watching", flush=True)
        last, sampled = time.time(), time.time()
        while going:
            time.sleep(TICK)
            now = time.time()
            if now - last - TICK >= SHORTEST:
                print(f"{last:.6f} {now:.6f} ticker", file=stalls)
            if now - sampled >= SAMPLE:
                for who, waited in threads.sample():
                    print(f"{now - waited:.6f} {now:.6f} {who}", file=stalls)
                stalls.flush()
                sampled = now
            if capture:
                capture.read()
            if sampled == now:
                os.utime(stalls.fileno(), (now, now))  # this is all until then
            last = time.time()  # what reading took is no stall
        if capture:
            capture.read()
        if capture and capture.dropped():
            sys.exit("witness.py: the kernel dropped packets")


def packets(path):
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        seconds, nanos, size, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        udp = frame[(frame[0] & 15) * 4:] if frame[0] >> 4 == 4 else frame[40:]
        yield seconds + nanos / 1e9, *struct.unpack_from(">HH", udp), udp[8:]


def signed(difference, bits):
    difference &= (1 << bits) - 1
    return difference - (1 << bits) if difference >> (bits - 1) else difference


class Stream:
    """One SSRC from one port to another: what left when."""

    def __init__(self, rows):
        numbers = [signed(row[1] - rows[0][1], 16) for row in rows]  # of keys as well
        self.lost = max(numbers) - min(numbers) + 1 - len(set(numbers))
        self.rows = rows = [row for row in rows if row[5] in (0, 8)]
        first = rows[0]
        transit = [at - first[0] - signed(stamp - first[2], 32) / 8000 for at, _, stamp, _, _, _ in rows]
        best = min(transit)
        # What is late when nothing more is said does no harm to what was said.
        over = max((row[0] for row in rows if row[4].strip(b"\xff\x7f") and row[4].strip(b"\xd5\x55")), default=0.0) + AFTER
        self.late = [(row[0] - one + best, row[0]) for row, one in zip(rows, transit) if one - best > LATE and row[0] < over]
        seen = {}
        for row in rows:
            seen.setdefault(signed(row[1] - first[1], 16), row)
        self.holes = self.silences([seen[number] for number in sorted(seen)])
        self.gaps = []  # (time of the packet after it, its length)
        for number, row in seen.items():
            after = seen.get(number + 1)
            if after and signed(after[2] - row[2], 32) > row[3]:
                self.gaps.append((after[0], (signed(after[2] - row[2], 32) - row[3]) / 8000))

    @staticmethod
    def silences(rows):
        """(when it began, when it was over) of each hole in the sound."""
        sound, ends = b"".join(row[4] for row in rows), []
        for row in rows:
            ends.append((ends[-1] if ends else 0) + len(row[4]))
        runs = [run.span() for run in re.finditer(SILENCE, sound)]
        return [(rows[bisect.bisect_right(ends, begin)][0], rows[bisect.bisect_right(ends, end)][0])
                for begin, end in runs if begin > 0 and end < len(sound)]


class Evidence:
    def __init__(self, name, port=None):
        asked = time.time()
        self.streams = {"to": [], "from": []}
        self.stalls = []
        found = sorted(glob.glob(glob.escape(name) + ".*.stalls"))
        for path in found:
            # Whoever still watches is heard to the end.
            for _ in range(500):
                if os.stat(path).st_mtime >= asked or not self.is_watched(path):
                    break
                time.sleep(.01)
            with open(path, encoding="ascii") as file:
                self.stalls += [(float(begin), float(end), who) for begin, end, who in map(str.split, file)]
            self.read(path[:-len(".stalls")], port)

    @staticmethod
    def is_watched(path):
        with open(path[:-len(".stalls")] + ".pid", encoding="ascii") as file:
            return os.path.exists(f"/proc/{int(file.read())}")

    def read(self, base, port):
        with open(base + ".ports", encoding="ascii") as file:
            first, count = map(int, file.read().split())
        ours = range(first, first + count) if port is None else (port,)
        streams = {}
        for at, source, target, data in packets(base + ".packets"):
            if len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 0x7f <= 95:
                continue
            _, kind, sequence, stamp, ssrc = struct.unpack_from(">BBHII", data)
            sound = data[12 + 4 * (data[0] & 15):]
            streams.setdefault((source, target, ssrc), []).append((at, sequence, stamp, len(sound), sound, kind & 0x7f))
        for (source, target, _), rows in streams.items():
            if all(row[5] not in (0, 8) for row in rows):
                continue
            if target in ours:
                self.streams["to"].append(Stream(rows))
            if source in ours:
                self.streams["from"].append(Stream(rows))

    def stalled(self, begin, end, who=("ticker", "talky-sipd")):
        """Seconds between these two in which one of those was kept from running."""
        total, until = 0.0, begin
        for first, last, name in sorted(self.stalls):
            if who and name not in who:
                continue
            first, last = max(first, until), min(last, end)
            if last > first:
                total, until = total + last - first, last
        return total

    def times(self):
        """How often anybody was kept from running: what follows within 20 ms is the same time."""
        count, until = 0, 0.0
        for first, last, _ in sorted(self.stalls):
            count += first > until
            until = max(until, last + .02)
        return count

    def count(self, what):
        to, ours = self.streams["to"], self.streams["from"]
        if what == "late-in":
            return sum(len(one.late) + one.lost for one in to)
        if what == "gaps":
            return sum(self.stalled(at - length - .3, at + BEFORE) >= UNSENT for one in ours for at, length in one.gaps)
        if what == "unsaid":
            return sum(self.stalled(at - length - .3, at + BEFORE, None) >= UNSENT for one in to for at, length in one.gaps)
        if what == "late-out":
            return sum(self.stalled(due - BEFORE, at + BEFORE) >= SHORTEST for one in ours for due, at in one.late)
        if what == "agent":
            return sum(self.stalled(begin - .1, end + BEFORE, None) >= SHORTEST for one in ours for begin, end in one.holes)
        if what == "sent":
            return sum(len(one.rows) for one in ours)
        if what == "times":
            return self.times()
        if what == "stalled":
            return round(1000 * self.stalled(0, float("inf")))
        if what == "in":
            return 3 * self.count("late-in")
        if what == "out":
            return 2 * self.count("gaps")
        if what == "phone":
            return 3 * self.count("late-out")
        sys.exit(f"witness.py: {what}?")


def tell(name, wanted):
    total, known = 0, {}
    for one in wanted:
        what, _, port = one.partition(":")
        if port not in known:
            known[port] = Evidence(name, int(port) if port else None)
        total += known[port].count(what) * (2 if what == "agent" else 1)
    print(total)


def main():
    if len(sys.argv) == 6 and sys.argv[1] == "watch":
        watch(sys.argv[2], *map(int, sys.argv[3:]))
    elif len(sys.argv) > 3 and sys.argv[1] == "tell":
        tell(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
