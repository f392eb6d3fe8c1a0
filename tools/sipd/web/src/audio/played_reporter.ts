// When the worklet has handed samples over, they are not heard yet: the system's own buffer lies between. A report is
// held back for that long, so that talky-sipd is told what was heard and not what was computed.

const EVERY_S = 0.1;

/** Totals since the call began, in samples of 16 kHz. */
export interface Heard {
  played: number;
  /** Left out by the buffer before that, to catch up: passed, and not heard. */
  skipped: number;
}

const past = ({ played, skipped }: Heard): number => played + skipped;

export class PlayedReporter {
  private waiting: { at: number; heard: Heard }[] = [];
  private untilNow: Heard = { played: 0, skipped: 0 };
  private reported = 0;
  private reportedAt = -Infinity;
  private wasDry = true;

  /** What had been played at `at`, in seconds of the audio clock. */
  note(at: number, { played, skipped }: Heard): void {
    const heard = { played, skipped };
    const last = this.waiting[this.waiting.length - 1];
    if (past(heard) > (last ? past(last.heard) : this.reported)) this.waiting.push({ at, heard });
  }

  /** What to report now, or undefined: every 100 ms while it grows, and once when the buffer has run dry. */
  due(now: number, latency: number, dry: boolean): Heard | undefined {
    while (this.waiting.length > 0 && this.waiting[0]!.at <= now - latency) {
      this.untilNow = this.waiting.shift()!.heard;
    }
    const ended = dry && this.waiting.length === 0;
    const last = ended && !this.wasDry;
    this.wasDry = ended;
    if (past(this.untilNow) <= this.reported || (!last && now - this.reportedAt < EVERY_S)) return undefined;
    this.reported = past(this.untilNow);
    this.reportedAt = now;
    return this.untilNow;
  }

  /** The buffer was dropped when so much had been played. */
  cleared({ played, skipped }: Heard): void {
    this.waiting = [];
    this.untilNow = { played, skipped };
    this.reported = past(this.untilNow);
    this.wasDry = true;
  }
}
