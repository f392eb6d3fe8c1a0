import { describe, expect, it } from 'vitest';
import type { Query } from '../src/calls/api.js';
import { History, type Page } from '../src/calls/history.js';
import { pastCall } from '../src/calls/records.js';

const ALL: Query = { text: '', sort: 'invited', order: 'desc', answered: false };
const page = (ids: number[], next: string | null, total = 500): Page => ({
  calls: ids.map((id) => pastCall({ uuid: String(id) })),
  next,
  total,
});

/** Answers when it is told to, in any order. */
class Server {
  readonly asked: { query: Query; answer: (page: Page) => void; fail: (error: Error) => void }[] = [];
  readonly history = new History(
    (query) => new Promise((answer, fail) => this.asked.push({ query, answer, fail })),
  );

  get ids(): string[] {
    return this.history.calls.map((call) => call.id);
  }
}

describe('the history', () => {
  it('goes on where the last page ended, until there is no more', async () => {
    const server = new Server();
    expect(await server.history.more()).toBe(false);
    const first = server.history.reload(ALL);
    server.asked[0]!.answer(page([9, 8], 'a'));
    expect(await first).toBe(true);
    expect(server.history).toMatchObject({ total: 500, hasMore: true });
    const second = server.history.more();
    expect(server.asked[1]!.query).toEqual({ ...ALL, after: 'a' });
    // A call that began meanwhile moved the others: nothing is listed twice.
    server.asked[1]!.answer(page([8, 7], null));
    expect(await second).toBe(true);
    expect(server.ids).toEqual(['9', '8', '7']);
    expect(server.history.hasMore).toBe(false);
    expect(await server.history.more()).toBe(false);
    expect(server.asked).toHaveLength(2);
  });

  it('is refreshed as far down as it was turned, with a call that came meanwhile', async () => {
    const server = new Server();
    const first = server.history.reload(ALL);
    server.asked[0]!.answer(page([9, 8], 'a'));
    await first;
    const second = server.history.more();
    server.asked[1]!.answer(page([7, 6], 'b'));
    await second;
    const again = server.history.refresh(ALL);
    expect(server.asked[2]!.query).toEqual({ ...ALL, rows: 4 });
    server.asked[2]!.answer(page([10, 9, 8, 7], 'c', 501));
    expect(await again).toBe(true);
    expect(server.ids).toEqual(['10', '9', '8', '7']);
    const third = server.history.more();
    expect(server.asked[3]!.query).toEqual({ ...ALL, after: 'c' });
    server.asked[3]!.answer(page([6, 5], null));
    await third;
    expect(server.ids).toEqual(['10', '9', '8', '7', '6', '5']);
    // Another question begins at the top.
    const other = server.history.reload({ ...ALL, text: 'ha' });
    expect(server.asked[4]!.query).toEqual({ ...ALL, text: 'ha', rows: 0 });
    server.asked[4]!.answer(page([8], null, 1));
    await other;
  });

  it('shows the answer to the last question, in whatever order they come', async () => {
    const server = new Server();
    const slow = server.history.reload({ ...ALL, text: 'h' });
    const fast = server.history.reload({ ...ALL, text: 'ha' });
    server.asked[1]!.answer(page([2], 'b', 1));
    server.asked[0]!.answer(page([1], 'a', 9));
    expect([await slow, await fast]).toEqual([false, true]);
    expect(server.ids).toEqual(['2']);
    const more = server.history.more();
    expect(server.asked[2]!.query).toMatchObject({ text: 'ha', after: 'b' });
    const other = server.history.reload(ALL);
    server.asked[2]!.answer(page([3], null));
    server.asked[3]!.answer(page([4], null));
    expect([await more, await other]).toEqual([false, true]);
    expect(server.ids).toEqual(['4']);
  });

  it('keeps what it has when the server is away, and tells whoever still waits', async () => {
    const server = new Server();
    const first = server.history.reload(ALL);
    server.asked[0]!.answer(page([1], 'a'));
    await first;
    const failed = server.history.more();
    server.asked[1]!.fail(new Error('away'));
    await expect(failed).rejects.toThrow('away');
    expect(server.ids).toEqual(['1']);
    const old = server.history.reload(ALL);
    const again = server.history.reload(ALL);
    server.asked[2]!.fail(new Error('away'));
    server.asked[3]!.answer(page([2], null));
    expect([await old, await again]).toEqual([false, true]);
  });
});
