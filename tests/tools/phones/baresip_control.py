#!/usr/bin/python3
"""One command to a running baresip through its ctrl_tcp module: baresip_control.py PORT COMMAND [PARAMETERS]"""
import json
import re
import socket
import sys


def main():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as control:
        message = json.dumps({"command": sys.argv[2], "params": " ".join(sys.argv[3:]), "token": "t"})
        control.sendall(f"{len(message)}:{message},".encode())
        answer = b""
        while not re.search(rb'"ok":(true|false)', answer):  # events may come before it, and a read may end anywhere
            part = control.recv(4096)
            if not part:
                break
            answer += part
    print(answer.decode(errors="replace"))
    return 0 if b'"ok":true' in answer else 1


if __name__ == "__main__":
    sys.exit(main())
