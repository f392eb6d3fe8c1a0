// What changed, for those who do not see it.
export class Announcer {
  private last = '';

  constructor(private readonly region: HTMLElement) {}

  say(text: string): void {
    if (text === this.last) return;
    this.last = text;
    this.region.textContent = text;
  }
}
