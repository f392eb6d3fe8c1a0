#!/usr/bin/python3
"""A call to talky-sipd that is transferred: transfer.py SERVER HOW [SAID.wav] for sipd_transfer.bats.

alice calls 100, speaks SAID.wav, and after a second refers her call to bob, who is registered (or at an address of his
own). HOW is one of
    blind      bob rings, answers, and speaks SAID.wav: what comes back to him goes into bob.wav; alice waits for her BYE
    leave      the same, but alice says BYE as soon as the 202 is there
    attended   bob has a call of his own with 100, which the new one replaces
    busy       bob answers 486: alice's call goes on, her audio before and after goes into alice.wav
    moved      bob answers 302 to carol, who takes the call
    bob        only bob: registers, prints "ready", takes one call and speaks SAID.wav; bob.wav is what he hears
Prints one JSON object: what everybody saw. Where the server refuses the REFER that is all.
"""
import json
import sys
import time

from sip_client import Client, read_wav, write_wav


def only_bob(server, said):
    bob = Client(server, user="bob")
    assert bob.register().status == 200
    print("ready", flush=True)
    callee = bob.wait_invite(60)
    callee.ring()
    bob.pump(0.3)
    callee.answer(said)
    bob.pump(60, lambda: callee.ended_by or callee.end_is_heard())
    if not callee.ended_by:
        callee.bye()
    write_wav("bob.wav", callee.recording())
    print(json.dumps({"how": "bob", "invite": callee.incoming.start, "referred_by": callee.incoming.get("referred-by")}))


def main():
    server, how = sys.argv[1:3]
    said = read_wav(sys.argv[3]) if len(sys.argv) > 3 else None
    transport = sys.argv[4] if len(sys.argv) > 4 else "udp"
    if how == "bob":
        only_bob(server, said)
        return
    alice = Client(server, transport, user="alice")
    bob = Client(server, user="bob")
    carol = Client(server, user="carol")
    out = {"how": how}
    assert bob.register().status == 200

    call = alice.call("100", send=said)
    assert call.invite().status == 200
    alice.pump(60, lambda: call.clock() >= 1.0)
    target = f"sip:bob@{alice.remote}"
    if how == "attended":
        own = bob.call("100")
        assert own.invite().status == 200
        target += f"?Replaces={own.call_id.replace('@', '%40')}%3Bto-tag%3D{own.tag}%3Bfrom-tag%3D{own.to_tag}" \
                  "&Require=replaces"
    answer = call.refer(target, [f"Referred-By: <sip:alice@{alice.remote}>"])
    out["refer"] = answer.status
    if answer.status != 202:
        call.bye()
        print(json.dumps(out))
        return
    if how == "leave":
        assert call.bye().status == 200
    callee = bob.wait_invite(30)
    invite = callee.incoming
    out["referred_by"], out["replaces"], out["require"] = (invite.get(n) for n in ("referred-by", "replaces", "require"))
    callee.ring()

    def both(seconds, until=None):  # two sockets, one thread
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in (alice, bob, carol):
                client.pump(0.004, until)
            if until and until():
                return

    both(0.3)
    if how in ("busy", "moved"):
        contact = [f"Contact: <sip:carol@{carol.shown}:{carol.local_port}>"] if how == "moved" else []
        callee.refuse(302 if how == "moved" else 486, contact)
        if how == "moved":
            callee = carol.wait_invite(10)
            out["redirected_to"] = callee.incoming.start
            callee.answer(said)
    else:
        callee.answer(said)
        if how == "attended":  # who takes the new call ends the one that it replaces (RFC 3891 3)
            assert own.bye().status == 200
    if how == "busy":
        both(30, lambda: call.ended_by or call.end_is_heard())
        out["still_up"] = call.ended_by is None
        call.bye()
        both(0.5)
        write_wav("alice.wav", call.recording())
    else:
        both(30, lambda: call.ended_by)
        both(30, lambda: callee.ended_by or callee.end_is_heard())
        out["alice_ended_by"] = call.ended_by
        write_wav("alice.wav", call.recording())
        write_wav("bob.wav", callee.recording())
        out["bob_ended_by"] = callee.ended_by
        if not callee.ended_by:
            out["bob_bye"] = callee.bye().status
    out["notified"] = call.notified
    print(json.dumps(out))


if __name__ == "__main__":
    main()
