// The past calls that are listed: a page, and then the next ones behind it, however they come back. No DOM.
import type { Query } from './api.js';
import type { PastCall } from './records.js';

export interface Page {
  calls: PastCall[];
  next: string | null;
  total: number | null;
}

export class History {
  calls: readonly PastCall[] = [];
  total: number | null = null;
  private query: Query | undefined;
  private next: string | null = null;
  private asked = 0;

  constructor(private readonly fetchPage: (query: Query) => Promise<Page>) {}

  get hasMore(): boolean {
    return this.next !== null;
  }

  has(id: string): boolean {
    return this.calls.some((call) => call.id === id);
  }

  /** From the beginning. False: something else has been asked for meanwhile, and this answer is nobody's. */
  reload(query: Query): Promise<boolean> {
    return this.load(query, 0);
  }

  /** The same again, with what came meanwhile; as far down as it had been turned, so that no row that is read goes away. */
  refresh(query: Query): Promise<boolean> {
    return this.load(query, this.calls.length);
  }

  /** The page behind the last one; a call that is there already is not listed twice. */
  async more(): Promise<boolean> {
    if (this.next === null || !this.query) return false;
    const page = await this.ask({ ...this.query, after: this.next });
    if (!page) return false;
    this.calls = [...this.calls, ...page.calls.filter((call) => !this.has(call.id))];
    this.next = page.next;
    return true;
  }

  private async load(query: Query, rows: number): Promise<boolean> {
    const page = await this.ask({ ...query, rows });
    if (!page) return false;
    this.query = query;
    this.calls = page.calls;
    this.total = page.total;
    this.next = page.next;
    return true;
  }

  private async ask(query: Query): Promise<Page | undefined> {
    const asked = ++this.asked;
    try {
      const page = await this.fetchPage(query);
      return asked === this.asked ? page : undefined;
    } catch (error) {
      if (asked === this.asked) throw error;
      return undefined;
    }
  }
}
