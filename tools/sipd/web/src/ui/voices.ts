// The voices that talky-sipd offers; their samples are spoken by the engine that speaks in the call.
import { VOICES } from '../call/state.js';
import { request } from '../net/access.js';

export interface Voice {
  name: string;
  description: string;
  sample: string;
}

const DESCRIPTIONS: Record<string, string> = {
  Sophia: 'Warm and unhurried',
  Emma: 'Bright and brisk',
  Alex: 'Calm and low',
};

export const fallbackVoices = (): Voice[] =>
  VOICES.map((name) => ({
    name,
    description: DESCRIPTIONS[name] ?? '',
    sample: `/api/v1/web/voices/${name}/sample`,
  }));

function isVoice(value: unknown): value is Voice {
  if (typeof value !== 'object' || value === null) return false;
  const { name, description, sample } = value as Record<string, unknown>;
  // A sample from elsewhere would be a request that leaves the machine.
  return typeof name === 'string' && typeof description === 'string' && typeof sample === 'string' && /^\/(?!\/)/.test(sample);
}

/** Rejects if talky-sipd does not answer. */
export async function fetchVoices(): Promise<Voice[]> {
  const response = await request('/api/v1/web/voices');
  if (!response.ok) throw new Error(`voices: ${response.status}`);
  const body: unknown = await response.json();
  const list = Array.isArray(body) ? body : (body as { voices?: unknown }).voices;
  const voices = Array.isArray(list) ? list.filter(isVoice) : [];
  return voices.length > 0 ? voices : fallbackVoices();
}
