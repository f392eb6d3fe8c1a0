// The paths of talky-api(7) that /calls uses.
import { request } from '../net/access.js';
import { recordingUrl } from '../ui/downloads.js';
import type { Page } from './history.js';
import { parseJournal, type Journal } from './journal.js';
import { liveCall, liveCalls, page, pastCall, utterances, type LiveCall, type PastCall, type Utterance } from './records.js';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await request(path, init);
  if (response.ok) return response;
  let detail = response.statusText;
  try {
    const problem = (await response.json()) as { detail?: unknown; title?: unknown };
    detail = String(problem.detail ?? problem.title ?? detail);
  } catch {
    // No problem document: the status has to do.
  }
  throw new ApiError(response.status, detail);
}

const json = async (path: string): Promise<unknown> => (await ask(path)).json();

export interface Query {
  text: string;
  sort: string;
  order: 'asc' | 'desc';
  answered: boolean;
  after?: string;
  rows?: number; // at least so many
}

const PAGE = 40;
const MOST = 1000; // that the server gives at once

export async function history(query: Query): Promise<Page> {
  const limit = Math.min(MOST, Math.max(PAGE, query.rows ?? 0));
  const parameters = new URLSearchParams({ limit: String(limit), sort: query.sort, order: query.order, count: '1' });
  if (query.text) parameters.set('text', query.text);
  if (query.answered) parameters.set('answered', 'true');
  if (query.after !== undefined) parameters.set('after', query.after);
  return page(await json(`/api/v1/sip/history?${parameters}`));
}

export const active = async (): Promise<LiveCall[]> => liveCalls(await json('/api/v1/sip/calls'));

export const activeCall = async (id: string): Promise<LiveCall> =>
  liveCall(await json(`/api/v1/sip/calls/${encodeURIComponent(id)}`));

export async function past(id: string): Promise<{ call: PastCall; said: Utterance[] }> {
  const record = await json(`/api/v1/sip/history/${encodeURIComponent(id)}`);
  return { call: pastCall(record), said: utterances(record) };
}

/** Also of a call that is up; nothing where nothing is kept. */
export async function transcript(id: string): Promise<Utterance[]> {
  try {
    return utterances(await json(recordingUrl(id, '?part=transcript')));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

export async function journal(id: string): Promise<Journal> {
  try {
    return parseJournal(await (await ask(recordingUrl(id, '?part=journal'))).text());
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { turns: [], sentences: [] };
    throw error;
  }
}

export async function hangUp(id: string): Promise<void> {
  await ask(`/api/v1/sip/calls/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
