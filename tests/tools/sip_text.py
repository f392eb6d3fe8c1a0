"""SIP messages as text: parsing what came, and answering a digest challenge."""
import hashlib
import random
import re
import time


class Message:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.start = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None
        self.method = None if self.status else self.start.split(" ")[0]
        self.at = time.monotonic()

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    @property
    def cseq(self):
        number, _, method = self.get("cseq").partition(" ")
        return int(number), method.strip()


def uri_in(value):
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def tag_of(value):
    found = re.search(r";\s*tag=([^;>\s]+)", value)
    return found.group(1) if found else None


def digest(challenge, user, password, method, uri):
    fields = {key.lower(): quoted or plain
              for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]*))', challenge)}
    algorithm = fields.get("algorithm", "MD5")
    make = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5
    h = lambda text: make(text.encode()).hexdigest()
    ha1, ha2 = h(f"{user}:{fields['realm']}:{password}"), h(f"{method}:{uri}")
    out = f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", ' \
          f"algorithm={algorithm}"
    if "qop" in fields:
        cnonce = "%08x" % random.getrandbits(32)
        response = h(f"{ha1}:{fields['nonce']}:00000001:{cnonce}:auth:{ha2}")
        out += f', qop=auth, nc=00000001, cnonce="{cnonce}"'
    else:
        response = h(f"{ha1}:{fields['nonce']}:{ha2}")
    if "opaque" in fields:
        out += f', opaque="{fields["opaque"]}"'
    return out + f', response="{response}"'


def answer_challenge(response, user, password, method, uri, algorithm=None):
    """The header line that answers a 401 or 407: `algorithm`, or the first one that this client can do. None: nothing to
    answer."""
    name, header = (("WWW-Authenticate", "Authorization") if response.status == 401
                    else ("Proxy-Authenticate", "Proxy-Authorization"))
    for challenge in response.all(name):
        found = re.search(r'algorithm="?([\w-]+)', challenge)
        offered = found.group(1).upper() if found else "MD5"
        if offered in ("MD5", "SHA-256") and algorithm in (None, offered):
            return f"{header}: " + digest(challenge, user, password, method, uri)
    return None
