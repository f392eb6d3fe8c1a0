// Calls as the API gives them: those that are up (GET /sip/calls) and those that are over (GET /sip/history). Columns
// are described in talky-records(5).

export interface FileOfCall {
  kind: string;
  bytes: number;
  repaired: boolean;
}

export interface PastCall {
  id: string;
  from: string;
  to: string;
  route: string;
  invitedMs: number;
  answeredMs: number | null;
  endedMs: number | null;
  durationMs: number;
  cause: string;
  endedBy: string;
  reason: string;
  codec: string;
  inMos: number | null;
  inLost: number | null;
  inPackets: number | null;
  inJitterMs: number | null;
  outMos: number | null;
  outLost: number | null;
  outPackets: number | null;
  outJitterMs: number | null;
  rttMs: number | null;
  turns: number;
  bargeIns: number;
  responseP50Ms: number | null;
  responseP95Ms: number | null;
  responseMaxMs: number | null;
  files: FileOfCall[];
}

export interface Utterance {
  who: 'caller' | 'agent';
  beginMs: number;
  text: string;
  cut: boolean;
}

export interface Stream {
  packets: number;
  lost: number;
  jitterMs: number;
  mos: number;
  levelDb: number;
}

export interface LiveCall {
  id: string;
  state: string;
  from: string;
  to: string;
  bridge: string;
  codec: string;
  startedMs: number;
  answeredMs: number | null;
  quality: { in: Stream; out: Stream; outReported: boolean; rttMs: number | null } | null;
}

type Members = Record<string, unknown>;

const members = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
const time = (value: unknown): number | null => {
  const ms = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? null : ms;
};

export function pastCall(value: unknown): PastCall {
  const r = members(value);
  return {
    id: text(r['id']) || text(r['uuid']),
    from: text(r['from_display']) || text(r['from_uri']),
    to: text(r['dialled']) || text(r['route']) || text(r['to_uri']),
    route: text(r['route']),
    invitedMs: number(r['invited_ms']) ?? 0,
    answeredMs: number(r['answered_ms']),
    endedMs: number(r['ended_ms']),
    durationMs: number(r['duration_ms']) ?? 0,
    cause: text(r['cause']),
    endedBy: text(r['ended_by']),
    reason: text(r['reason']),
    codec: text(r['codec']),
    inMos: number(r['in_mos']),
    inLost: number(r['in_lost']),
    inPackets: number(r['in_packets']),
    inJitterMs: number(r['in_jitter_ms']),
    outMos: number(r['out_mos']),
    outLost: number(r['out_lost']),
    outPackets: number(r['out_packets']),
    outJitterMs: number(r['out_jitter_ms']),
    rttMs: number(r['rtt_ms']),
    turns: number(r['turns']) ?? 0,
    bargeIns: number(r['barge_ins']) ?? 0,
    responseP50Ms: number(r['response_p50_ms']),
    responseP95Ms: number(r['response_p95_ms']),
    responseMaxMs: number(r['response_max_ms']),
    files: list(r['files']).map((file) => {
      const f = members(file);
      return { kind: text(f['kind']), bytes: number(f['bytes']) ?? 0, repaired: f['repaired'] === true };
    }),
  };
}

export function page(value: unknown): { calls: PastCall[]; next: string | null; total: number | null } {
  const p = members(value);
  const next = p['next'];
  return {
    calls: list(p['calls']).map(pastCall),
    next: typeof next === 'string' || typeof next === 'number' ? String(next) : null,
    total: number(p['total']),
  };
}

export function utterances(value: unknown): Utterance[] {
  return list(members(value)['said']).map((one) => {
    const u = members(one);
    return {
      who: u['who'] === 'agent' ? 'agent' : 'caller',
      beginMs: number(u['begin_ms']) ?? 0,
      text: text(u['text']) || text(u['said']),
      cut: u['cut'] === true || u['cut'] === 1,
    };
  });
}

function stream(value: unknown): Stream {
  const s = members(value);
  return {
    packets: number(s['packets']) ?? 0,
    lost: number(s['lost']) ?? 0,
    jitterMs: number(s['jitter_ms']) ?? 0,
    mos: number(s['mos']) ?? 0,
    levelDb: number(s['level_dbov']) ?? -127,
  };
}

export function liveCall(value: unknown): LiveCall {
  const c = members(value);
  const q = c['quality'] ? members(c['quality']) : null;
  return {
    id: text(c['id']),
    state: text(c['state']),
    from: text(c['from']),
    to: text(c['to']),
    bridge: text(c['bridge']),
    codec: text(c['codec']),
    startedMs: time(c['started_at']) ?? 0,
    answeredMs: time(c['answered_at']),
    quality: q && {
      in: stream(q['in']),
      out: stream(q['out']),
      outReported: q['out_reported'] === true,
      rttMs: number(q['rtt_ms']),
    },
  };
}

export const liveCalls = (value: unknown): LiveCall[] => list(members(value)['calls']).map(liveCall);
