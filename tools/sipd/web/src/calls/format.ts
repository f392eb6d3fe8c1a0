// Numbers and times as people read them.

const DAY_MS = 86_400_000;

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return minutes >= 60
    ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

/** "14:05", "yesterday 14:05", "3 Nov 14:05". */
export function when(ms: number, now: number): string {
  const date = new Date(ms);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (ms >= midnight) return clock;
  if (ms >= midnight - DAY_MS) return `yesterday ${clock}`;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock}`;
}

/** Who a SIP URI means: its user part, or its host. */
export function party(uri: string): string {
  const inner = /<([^>]*)>/.exec(uri)?.[1] ?? uri;
  const bare = inner.replace(/^sips?:/i, '').replace(/[;?].*$/, '');
  const user = bare.includes('@') ? bare.slice(0, bare.indexOf('@')) : bare;
  return user || bare || 'unknown';
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${Math.round(count / 1000)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

export const percent = (part: number, whole: number): string =>
  whole > 0 ? `${((100 * part) / whole).toFixed(part > 0 ? 1 : 0)} %` : '–';

export const decimals = (value: number | null, digits: number, unit = ''): string =>
  value === null ? '–' : `${value.toFixed(digits)}${unit}`;
