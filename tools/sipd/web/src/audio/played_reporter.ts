// When the worklet has handed samples over, they are not heard yet: the system's own buffer lies between. A report is
// held back for that long, so that talky-sipd is told what was heard and not what was computed.

const EVERY_S = 0.1;

export class PlayedReporter {
  private waiting: { at: number; samples: number }[] = [];
  private reported = 0;
  private reportedAt = -Infinity;
  private wasDry = true;

  /** What had been played at `at`, in seconds of the audio clock. */
  note(at: number, samples: number): void {
    const last = this.waiting[this.waiting.length - 1];
    if (samples > (last?.samples ?? this.reported)) this.waiting.push({ at, samples });
  }

  /** The total to report now, or undefined: every 100 ms while it grows, and once when the buffer has run dry. */
  due(now: number, latency: number, dry: boolean): number | undefined {
    const heard = this.heard(now - latency);
    const ended = dry && this.waiting.length === 0;
    const last = ended && !this.wasDry;
    this.wasDry = ended;
    if (heard <= this.reported || (!last && now - this.reportedAt < EVERY_S)) return undefined;
    this.reported = heard;
    this.reportedAt = now;
    return heard;
  }

  /** The buffer was dropped when `samples` had been played. */
  cleared(samples: number): void {
    this.waiting = [];
    this.heardUntilNow = samples;
    this.reported = samples;
    this.wasDry = true;
  }

  private heardUntilNow = 0;

  private heard(until: number): number {
    while (this.waiting.length > 0 && this.waiting[0]!.at <= until) {
      this.heardUntilNow = this.waiting.shift()!.samples;
    }
    return this.heardUntilNow;
  }
}
