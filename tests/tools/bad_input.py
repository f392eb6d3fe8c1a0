#!/usr/bin/python3
"""Bad input in every form for every reader and writer of the two filters, in the current folder.

    bad_input.py transcode      in.wav: a second of sound
    bad_input.py rtpdump        call.pcap: a SIP call with two legs

A table of formats times a table of faults. Whatever comes: the program ends by itself, says at most one line, which names it
and the fault, gives an exit code that tells whose fault it was, takes little memory, and leaves either a whole file or none.
Every case that fails is told; the exit code says whether there was one.
"""
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

OK, DATA, NO_INPUT, CANNOT_CREATE, IO = 0, 65, 66, 73, 74
PATIENCE = 120  # s; a hang is found, a slow machine is not one
MEMORY = 256 * 1024  # kB
WORK = Path("faults")  # what the programs write lies here


def built_with_sanitizer(tool):
    return any(mark in Path(shutil.which(tool)).read_bytes() for mark in (b"__asan_init", b"__tsan_init", b"__msan_init"))


class Matrix:
    def __init__(self, tool):
        self.tool = tool
        self.cases = self.failed = 0
        self.judges_memory = not built_with_sanitizer(tool)
        WORK.mkdir()

    def run(self, arguments, stdin=None, stdout=None, before=None):
        """Exit code (negative: the signal), what it said on stderr, and the most memory it took in kB."""
        with open("said", "wb+") as said, open("printed", "wb+") as printed:
            process = subprocess.Popen([self.tool, *map(str, arguments)], stdin=stdin or subprocess.DEVNULL,
                                       stdout=stdout if stdout is not None else printed, stderr=said, preexec_fn=before)
            late = False

            def give_up(*_):
                nonlocal late
                late = True
                process.kill()
            signal.signal(signal.SIGALRM, give_up)
            signal.alarm(PATIENCE)
            _, status, usage = os.wait4(process.pid, 0)
            signal.alarm(0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read().decode(errors="replace")
        return "hangs" if late else process.returncode, text, usage.ru_maxrss

    def case(self, name, arguments, codes, output=None, says="", stdin=None, stdout=None, before=None, shown=0):
        """`output`: what is to be there after success, and only then. `says`: what an error names. `shown`: lines of an
        expression that it shows."""
        shutil.rmtree(WORK)
        WORK.mkdir()
        if isinstance(stdin, (str, Path)):
            stdin = open(stdin, "rb")
        code, said, memory = self.run(arguments, stdin, stdout, before)
        if stdin:
            stdin.close()
        self.cases += 1
        faults = []
        lines = said.splitlines()
        if code not in codes:
            faults.append(f"exit {code}, not {' or '.join(map(str, codes))}")
        shown_lines = lines[1:1 + shown]
        del lines[1:1 + shown]
        # What was cut off is said beside what came of it: nothing was found.
        allowed = (0, 1) if code in (OK, -signal.SIGPIPE) else (1, 2) if code == 1 or shown else (1,)
        if len(lines) not in allowed or len(shown_lines) != shown:
            faults.append(f"{len(lines)} lines")
        if not all(line.startswith(self.tool + ": ") and len(self.tool) + 5 < len(line) < 400 for line in lines):
            faults.append("a line that is not the program's, or too long")
        if code != OK and says not in said:
            faults.append(f"does not say {says!r}")
        if "internal error" in said or "std::" in said or "basic_string" in said:
            faults.append("a line for programmers")
        left = sorted(str(path.relative_to(WORK)) for path in WORK.rglob("*") if not path.is_dir())
        if code != OK and left:
            faults.append(f"left behind: {left}")
        if code == OK and output and not Path(output).exists():
            faults.append(f"no {output}")
        if any(".part" in name for name in left):
            faults.append(f"a half file: {left}")
        if self.judges_memory and memory > MEMORY:
            faults.append(f"{memory} kB")
        if faults:
            self.failed += 1
            print(f"{name}: {'; '.join(faults)}\n    {self.tool} {' '.join(map(str, arguments))}\n    {said.strip()}")

    def end(self):
        print(f"{self.cases} cases, {self.failed} failed")
        assert self.cases > 500
        sys.exit(1 if self.failed else 0)


def cuts(size):
    return sorted({n for n in (0, 1, 3, 4, 7, 8, 11, 12, 15, 20, 24, 27, 28, 30, 36, 40, 43, 44, 46, 58, 100, 1001, size // 2, size - 1) if n < size})


def faults_of(data, reach):
    """Name and bytes of damaged copies: cut at each place, the beginning another's, fields that promise too much."""
    for size in cuts(len(data)):
        yield f"cut to {size}", data[:size]
    yield "wrong magic", b"XXXX" + data[4:]
    yield "another's magic", b"RIFF" + data[4:]
    yield "zeros", bytes(len(data))
    yield "ones", b"\xff" * len(data)
    for at in range(0, min(reach, len(data) - 4), 2):
        yield f"2^32-1 at {at}", data[:at] + b"\xff\xff\xff\xff" + data[at + 4:]
    for at in range(0, min(reach, len(data) - 4), 4):
        for value, name in ((b"\x00\x00\x00\x80", "2^31 little-endian"), (b"\x80\x00\x00\x00", "2^31 big-endian"), (bytes(4), "0")):
            yield f"{name} at {at}", data[:at] + value + data[at + 4:]


def limit_file_size():
    """A full disk for regular files: what is beyond 4096 bytes cannot be written."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def closed_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def writers(m, cases, good):
    """`cases`: name, arguments before the output. What cannot be written is told, and nothing stays."""
    for name, before in cases:
        m.case(f"{name}, /dev/full", ["--force", *before, *good, "/dev/full"], [IO], says="/dev/full: No space left")
        with open("/dev/full", "wb") as full:
            m.case(f"{name}, stdout is full", [*before, *good, "-"], [IO], says="standard output: No space left", stdout=full)
        pipe = closed_pipe()
        m.case(f"{name}, a closed pipe", [*before, *good, "-"], [-signal.SIGPIPE], stdout=pipe)
        os.close(pipe)


def transcode():
    m = Matrix("talky-transcode")
    formats = [line.split()[0] for line in subprocess.run([m.tool, "--list-formats"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()]
    samples = {}
    for name in formats:
        subprocess.run([m.tool, "-t", name, "in.wav", f"good.{name}"], check=True)
        samples[name] = Path(f"good.{name}").read_bytes()
    for name in ("caf", "w64"):  # what is only read
        subprocess.run(["sox", "in.wav", f"good.{name}"], check=True)
        samples[name] = Path(f"good.{name}").read_bytes()
    for name, packer in (("pcap.gz", "gzip"), ("pcap.zst", "zstd")):
        samples[name] = subprocess.run([packer, "-c", "good.pcap"], check=True, stdout=subprocess.PIPE).stdout
    # Any bytes are samples; of G.722 and GSM each frame stands for itself, so that none is a file too.
    raw = {"s16le", "s16be", "mulaw", "alaw", "u8", "s8", "s24le", "s32le", "f32le", "f64le", "s24be", "s32be", "f32be", "f64be", "g722"}
    out = WORK / "out.wav"
    for name, data in samples.items():
        said = ["-f", name] if name in formats else []
        bad = Path(f"bad.{name}")
        for fault, bytes_ in faults_of(data, 0 if name in raw else 48):
            bad.write_bytes(bytes_)
            codes = [OK] if name in raw else [OK, DATA]
            if fault in ("cut to 0", "wrong magic", "zeros", "ones") and name not in raw and (name, fault) != ("gsm", "cut to 0"):
                codes = [DATA]
            m.case(f"{name}, {fault}", [*said, bad, out], codes, out, str(bad))
            if fault.startswith("cut") or fault in ("2^32-1 at 4", "2^32-1 at 16", "2^32-1 at 40", "wrong magic"):
                pipe_said = said or (["-f", "pcap"] if "pcap" in name else [])
                m.case(f"{name} on a pipe, {fault}", [*pipe_said, "-t", "wav", "-", out], codes + ([] if pipe_said else [64]), out,
                       "standard input", stdin=bad)
        m.case(f"{name}, a directory", [*said, ".", out], [NO_INPUT], says="directory")
        m.case(f"{name}, none", [*said, "none." + name, out], [NO_INPUT], says="No such file")
    wild = (float("nan"), float("inf"), float("-inf"), 1e30, -1e30, 1e-45, 0.5) * 100
    for width, code in (("f32le", "f"), ("f64le", "d")):
        Path(f"wild.{width}").write_bytes(struct.pack(f"<{len(wild)}{code}", *wild))
    writers(m, [(f"to {name}", ["-t", name]) for name in formats], ["in.wav"])
    for name in formats:
        to = ["-t", name]
        m.case(f"to {name}, no such folder", [*to, "in.wav", WORK / "no" / "x"], [CANNOT_CREATE], says="No such file")
        m.case(f"to {name}, a folder", [*to, "in.wav", "/"], [CANNOT_CREATE], says="/: ")
        m.case(f"to {name}, a folder, by force", ["--force", *to, "in.wav", "/"], [CANNOT_CREATE], says="/: ")
        m.case(f"to {name}, a full disk", [*to, "long.wav", WORK / "full"], [IO], says="full: File too large", before=limit_file_size)
        for width in ("f32le", "f64le"):
            m.case(f"NaN in {width} to {name}", ["-f", width, "--in-rate", "8000", *to, f"wild.{width}", WORK / "out"], [OK], WORK / "out")
    for width in ("f32le", "f64le"):  # into the files that can hold NaN, and out of them
        for name in ("f32be", "f64be", "wav-f32", "wav-f64", "au-f32", "au-f64"):
            subprocess.run([m.tool, "--force", "-f", width, "--in-rate", "8000", "-t", name, f"wild.{width}", f"wild.{name}"], check=True)
            for to in ("s16le", "mulaw", "s24le", "opus", "flac-s24", "g722"):
                m.case(f"NaN in {name} to {to}", ["-f", name, "--in-rate", "8000", "-t", to, f"wild.{name}", WORK / "out"], [OK], WORK / "out")
            m.case(f"NaN in {name}, its level", ["-f", name, "--in-rate", "8000", "--level", "--json", f"wild.{name}"], [OK])
    for bad_value in (["--gain", "nan"], ["--gain", "inf"], ["--gain", "1e999"], ["--start", "nan"], ["--duration", "nan"], ["--duration", "-1"], ["-r", "nan"],
                      ["-r", "0"], ["-r", "4294967296"], ["-r", "99999999999999999999"], ["-c", "0"], ["-c", "65536"], ["-c", "4294967297"], ["--channel", "0"],
                      ["--trim-threshold", "nan"], ["--ptime", "0"], ["--ptime", "4294967296"], ["--in-channels", "4294967296"], ["--peak", "nan"],
                      ["--impair", "loss=nan"], ["--impair", "loss=101%"], ["--impair", "jitter=-1ms"], ["--impair", "loss=1e999%"]):
        m.case(" ".join(bad_value), [*bad_value, "in.wav", out], [64], says=bad_value[0].lstrip("-"))
    for bad_value in ("nan", "inf", "0", "-1", "1e999", "4294967296", "440+", "440,nan"):
        m.case(f"--tone {bad_value}", ["--tone", bad_value, out], [64], says="tone")
    m.end()


def big_endian(pcap):
    """The same capture as a machine of the other byte order writes it."""
    out = bytearray(struct.pack(">IHHIIII", *struct.unpack("<IHHIIII", pcap[:24])))
    at = 24
    while at < len(pcap):
        record = struct.unpack("<IIII", pcap[at:at + 16])
        out += struct.pack(">IIII", *record) + pcap[at + 16:at + 16 + record[2]]
        at += 16 + record[2]
    return bytes(out)


def rtpdump():
    m = Matrix("talky-rtpdump")
    for name in ("call.pcapng", "call.rtpdump"):
        subprocess.run([m.tool, "-r", "call.pcap", "-w", name] + (["ssrc==0xaaaa0001"] if "rtpdump" in name else []), check=True)
    samples = {name.split(".")[1]: Path(name).read_bytes() for name in ("call.pcap", "call.pcapng", "call.rtpdump")}
    samples["pcap-big"] = big_endian(samples["pcap"])
    for name in ("pcap", "pcapng", "rtpdump"):
        for ending, packer in (("gz", "gzip"), ("zst", "zstd")):
            samples[f"{name}.{ending}"] = subprocess.run([packer, "-c", f"call.{name}"], check=True, stdout=subprocess.PIPE).stdout
    texts = [["--list"], ["--list", "--wide"], ["--json"], ["--csv"], ["--calls"], ["--dtmf"], ["--dtmf", "--tones"], ["--rtcp"], ["--level"], ["--packets"],
             ["--ladder", "call-1@test"]] + [["--print", how] for how in ("ascii", "hex", "rtcp", "short", "payload")]
    files = [["-w", WORK / "out.pcap"], ["-w", WORK / "out.pcapng"], ["-w", WORK / "out.rtpdump", "ssrc==0xaaaa0001"], ["--extract", WORK / "out"],
             ["--extract", WORK / "out", "--playout", "jitter-buffer", "--payload"]]
    modes = texts + files
    turn = 0
    for name, data in samples.items():
        bad = Path(f"bad.{name}")
        for fault, bytes_ in faults_of(data, 40 if "." in name else 116):
            bad.write_bytes(bytes_)
            # What is cut or damaged behind the header may hold no stream and no call any more: exit 1.
            codes = [OK, 1, DATA]
            if fault in ("cut to 0", "cut to 3", "wrong magic", "another's magic", "zeros", "ones"):
                codes = [DATA]
            turn += 1
            for mode in (["--list"], modes[turn % len(modes)]):
                m.case(f"{name}, {fault}, {mode[0]}", ["-r", bad, *mode], codes)
            if fault.startswith("cut"):
                m.case(f"{name} on a pipe, {fault}", ["-r", "-", *modes[turn % len(modes)]], codes, stdin=bad)
        for mode in modes:
            m.case(f"{name}, a directory, {mode[0]}", ["-r", ".", *mode], [NO_INPUT], says="directory")
            m.case(f"{name}, none, {mode[0]}", ["-r", "none." + name, *mode], [NO_INPUT], says="No such file")
    for mode in texts:
        if mode == ["--rtcp"] or mode == ["--print", "rtcp"]:
            continue  # there is none in this call
        with open("/dev/full", "wb") as full:
            m.case(f"{' '.join(mode)}, stdout is full", ["-r", "call.pcap", *mode], [IO], says="standard output", stdout=full)
        pipe = closed_pipe()
        m.case(f"{' '.join(mode)}, a closed pipe", ["-r", "call.pcap", *mode], [-signal.SIGPIPE], stdout=pipe)
        m.case(f"{' '.join(mode)}, a closed pipe while a file is written", ["-r", "call.pcap", "-w", WORK / "out.pcap", "--packets"], [-signal.SIGPIPE, IO],
               stdout=pipe)
        os.close(pipe)
    for kind in ("pcap", "pcapng", "rtpdump"):
        expression = ["ssrc==0xaaaa0001"] if kind == "rtpdump" else []
        write = ["-r", "call.pcap", "--format", kind, *expression, "-w"]
        m.case(f"-w {kind}, /dev/full", [*write, "/dev/full", "--force"], [IO], says="/dev/full: ")
        with open("/dev/full", "wb") as full:
            m.case(f"-w {kind}, stdout is full", [*write, "-"], [IO], says="standard output", stdout=full)
        pipe = closed_pipe()
        m.case(f"-w {kind}, a closed pipe", [*write, "-"], [-signal.SIGPIPE], stdout=pipe)
        os.close(pipe)
        m.case(f"-w {kind}, no such folder", [*write, WORK / "no" / "x"], [CANNOT_CREATE], says="No such file")
        m.case(f"-w {kind}, a folder", [*write, "/"], [CANNOT_CREATE], says="/: ")
        m.case(f"-w {kind}, a full disk", [*write, WORK / "full"], [IO], says="File too large", before=limit_file_size)
    for mode in (["--extract", WORK / "x"], ["--extract", WORK / "x", "--playout", "jitter-buffer"], ["--extract", WORK / "x", "--payload"]):
        m.case(f"{mode}, a full disk", ["-r", "call.pcap", *mode], [IO], says="File too large", before=limit_file_size)
    m.case("--extract, a file is there", ["-r", "call.pcap", "--extract", "call.pcap"], [CANNOT_CREATE], says="call.pcap")
    m.case("--extract, into a file", ["-r", "call.pcap", "--extract", "call.pcap/x"], [CANNOT_CREATE], says="call.pcap/x")
    for bad_value in (["--speed", "nan"], ["--speed", "0.0001"], ["--speed", "-1"], ["--speed", "inf"], ["--loop", "-1"], ["--loop", "99999999999999999999"]):
        m.case(" ".join(bad_value), ["-r", "call.pcap", "--play", "udp:127.0.0.1:9", *bad_value], [64], says=bad_value[0].lstrip("-"))
    for target in ("udp:127.0.0.1:0", "udp:127.0.0.1:65536", "udp:127.0.0.1", "tcp:127.0.0.1:9", "udp::9", "udp:127.0.0.1:-1"):
        m.case(f"--play {target!r}", ["-r", "call.pcap", "--play", target], [64], says="--play")
    for expression in ("ssrc==", "ssrc==0x1ffffffff", "pt==256 &&", "time<nan", "time<1e999s", "(" * 5000, "mos<nan", "!", "\xff", "time<-", "nosuch==1",
                       "from contains", "src==300.0.0.1", "&&", "pt=0", "a" * 100_000):
        # Two lines show the expression and point at the character.
        m.case(f"expression {expression[:20]!r}", ["-r", "call.pcap", expression], [64], says="at character", shown=2)
    m.end()


if __name__ == "__main__":
    {"transcode": transcode, "rtpdump": rtpdump}[sys.argv[1]]()
