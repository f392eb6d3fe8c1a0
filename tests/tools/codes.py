#!/usr/bin/python3
"""Provokes every refusal that talky-sipd has, once each, over UDP and TCP: codes.py HOST:PORT

The server runs with --max-calls 3 --max-calls-per-source 2 --bridge echo --route '404=reject:404' --allow-refer '2??'.
Prints what differs from the table; the exit code is 1 if something does.
"""
import random
import re
import sys

from sip_client import Client

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n")


class Prober:
    def __init__(self, server, transport):
        self.client = Client(server, transport, user="probe")
        self.server, self.transport = server, transport
        self.wrong = []
        self.seen = set()

    def request(self, method="OPTIONS", uri=None, extra=(), body="", content_type="application/sdp", version="SIP/2.0",
                cseq=None, hops=70, contact=True, to_tag="", branch=None, call_id=None, from_tag=None):
        c = self.client
        lines = [f"{method} {uri or 'sip:100@' + self.server} {version}", c.via(branch), f"Max-Forwards: {hops}",
                 f"From: <sip:probe@{self.server}>;tag={from_tag or '%x' % random.getrandbits(40)}",
                 f"To: <sip:100@{self.server}>" + (f";tag={to_tag}" if to_tag else ""),
                 f"Call-ID: {call_id or '%x' % random.getrandbits(64)}", f"CSeq: {cseq or '1 ' + method}"]
        if contact:
            lines.append(f"Contact: {c.contact()}")
        if body:
            lines.append(f"Content-Type: {content_type}")
        return "\r\n".join(lines + list(extra) + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body

    def expect(self, code, text, what):
        c = self.client
        c.inbox = []
        c.send(text)
        # An earlier answer may come once more meanwhile, where its ACK was slow.
        branch = re.search(r"branch=([^;\r]+)", text).group(1)
        final = lambda: [m for m in c.inbox if m.status and m.status >= 200 and branch in m.get("via")]
        c.pump(30, final)
        got = final()
        status = got[0].status if got else None
        self.seen.add(status)
        if status != code:
            self.wrong.append(f"{self.transport}: {what}: {code} expected, {status} came")
        if got and status >= 300 and text.startswith("INVITE"):
            self.ack(text, got[0])
        return got[0] if got else None

    def ack(self, invite, response):
        head = dict(line.split(": ", 1) for line in invite.split("\r\n\r\n")[0].split("\r\n")[1:])
        uri = invite.split(" ")[1]
        self.client.send("\r\n".join([f"ACK {uri} SIP/2.0", "Via: " + head["Via"], "Max-Forwards: 70", "From: " + head["From"],
                                      "To: " + response.get("to"), "Call-ID: " + head["Call-ID"],
                                      f"CSeq: {head['CSeq'].split()[0]} ACK", "Content-Length: 0"]) + "\r\n\r\n")

    def outside(self):
        r, e = self.request, self.expect
        e(200, r(), "OPTIONS")
        e(400, r(cseq="1 BYE"), "CSeq of another method")
        e(400, r("INVITE", contact=False, body=SDP), "INVITE without Contact")
        e(400, r("INVITE", body="v=0\r\nrubbish"), "a body that is no SDP")
        e(404, r("INVITE", f"sip:404@{self.server}", body=SDP), "a route that rejects")
        e(405, r("PUBLISH", extra=["Event: presence"]), "a method that is known and not done")
        e(406, r("INVITE", extra=["Accept: text/html"], body=SDP), "an answer nobody would read")
        e(415, r("INVITE", body="hello", content_type="text/plain"), "a body that is not understood")
        e(415, r("INVITE", extra=["Content-Encoding: gzip"], body=SDP), "a body that is packed")
        e(416, r(uri="nobody:100"), "a scheme that is not known")
        e(416, r(uri=f"sips:100@{self.server}"), "sips without TLS")
        refused = e(420, r(extra=["Require: magic"]), "an extension that is not there")
        if refused is not None and refused.get("unsupported") != "magic":
            self.wrong.append(f"{self.transport}: Unsupported does not say magic")
        e(422, r("INVITE", extra=["Supported: timer", "Session-Expires: 30"], body=SDP), "a session timer too short")
        e(423, r("REGISTER", extra=["Expires: 5"]), "a registration too short")
        e(481, r("BYE", to_tag="nobody"), "a dialog that is not there")
        e(481, r("CANCEL"), "a CANCEL for nothing")
        e(481, r("INVITE", extra=["Replaces: x;to-tag=a;from-tag=b"], body=SDP), "Replaces for nothing")
        e(400, r("OPTIONS", extra=["Replaces: x;to-tag=a;from-tag=b"]), "Replaces outside an INVITE")
        e(483, r(uri="sip:someone@example.com", hops=0), "somebody else's, and no hop left")
        e(200, r(hops=0), "ours, and no hop left")
        e(488, r("INVITE", body=SDP.replace("audio 4000 RTP/AVP 0 101", "audio 4000 RTP/AVP 3")), "no codec in common")
        e(488, r("INVITE", body=SDP.replace("m=audio", "m=video")), "no audio")
        e(489, r("SUBSCRIBE", extra=["Event: weather"]), "an event that is not known")
        unknown = e(501, r("FROBNICATE"), "a method that is not known")
        if unknown is not None and "REGISTER" not in unknown.get("allow"):
            self.wrong.append(f"{self.transport}: Allow of the 501 lacks REGISTER")
        e(505, r(version="SIP/3.0"), "another version")
        e(603, r("REFER", extra=[f"Refer-To: <sip:200@{self.server}>"]), "REFER outside a call")
        # A request that comes a second time by another path.
        call_id, tag = "%x" % random.getrandbits(64), "%x" % random.getrandbits(40)
        first = r("MESSAGE", call_id=call_id, from_tag=tag, body="x", content_type="text/plain")
        e(200, first, "MESSAGE")
        # Over TCP the first has been forgotten by then: nothing is sent again there.
        again = r("MESSAGE", call_id=call_id, from_tag=tag, body="x", content_type="text/plain")
        e(482 if self.transport == "udp" else 200, again, "a merged request")

    def inside(self):
        call = self.client.call("100")
        if call.invite().status != 200:
            self.wrong.append("no call")
            return
        refer = lambda to: call.in_dialog("REFER", [f"Refer-To: <{to}>", f"Contact: {self.client.contact()}"])

        def check(code, response, what):
            status = response.status if response else None
            self.seen.add(status)
            if status != code:
                self.wrong.append(f"{self.transport}: {what}: {code} expected, {status} came")

        check(200, call.in_dialog("OPTIONS"), "OPTIONS in a call")
        check(415, call.in_dialog("INFO", ["Content-Type: text/plain"], "x"), "INFO with another body")
        check(400, call.in_dialog("INFO", ["Content-Type: application/dtmf-relay"], "Signal=%\r\n"), "INFO without a key")
        check(400, call.in_dialog("REFER"), "REFER to nobody")
        check(416, refer("http://example.com"), "REFER to a web page")
        check(603, refer("sip:someone@192.0.2.1"), "REFER to where no pattern leads")
        check(603, refer(f"sip:300@{self.server}"), "REFER to a number that no pattern fits")
        check(481, call.in_dialog("PRACK", ["RAck: 1 1 INVITE"]), "PRACK for nothing")
        check(488, call.in_dialog("UPDATE", ["Content-Type: application/sdp", f"Contact: {self.client.contact()}"],
                                  SDP.replace(" 0 101", " 3")), "UPDATE without a codec in common")
        call.cseq -= 5
        call.answers.clear()
        check(500, call.in_dialog("INFO"), "a CSeq from the past")
        call.cseq += 5
        check(200, call.bye(), "BYE after all that")
        # Late offer: ours is out until the ACK.
        late = self.client.call("100", auto_ack=False)
        if late.invite(body="").status == 200:
            check(491, late.in_dialog("UPDATE", ["Content-Type: application/sdp", f"Contact: {self.client.contact()}"], SDP),
                  "an offer while ours is out")
            self.client.send(self.client.request("ACK", late.target, late._dialog_headers("ACK", 1) +
                                                 ["Content-Type: application/sdp"], SDP))
            check(200, late.bye(), "BYE of the late offer")

    def full(self):
        calls = [self.client.call("100") for _ in range(2)]
        for call in calls:
            if call.invite().status != 200:
                self.wrong.append("no call")
        third = self.client.call("100").invite()
        if third.status != 486:
            self.wrong.append(f"{self.transport}: a third call from one address: 486 expected, {third.status} came")
        others = [Client(self.server, self.transport, local=ip) for ip in ("127.0.0.2", "127.0.0.3")]
        extra = [other.call("100") for other in others]
        answers = [call.invite().status for call in extra]
        if answers != [200, 503]:
            self.wrong.append(f"{self.transport}: calls above the cap: 200, 503 expected, {answers} came")
        self.seen |= {third.status, *answers}
        for call in calls + extra[:1]:
            call.bye()


def main():
    wrong, seen = [], set()
    for transport in ("udp", "tcp"):
        prober = Prober(sys.argv[1], transport)
        prober.outside()
        prober.inside()
        prober.full()
        wrong += prober.wrong
        seen |= prober.seen
    print("\n".join(wrong) or "all as it should be: " + " ".join(str(code) for code in sorted(seen - {None})))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
