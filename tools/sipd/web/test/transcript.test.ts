import { describe, expect, it } from 'vitest';
import { parseMessage } from '../src/call/protocol.js';
import { markHeard, Transcript, type Line } from '../src/call/transcript.js';

const heard = (words: { text: string; heard: boolean }[]): string => words.filter((w) => w.heard).map((w) => w.text).join(' ');
const lost = (words: { text: string; heard: boolean }[]): string => words.filter((w) => !w.heard).map((w) => w.text).join(' ');

function play(...messages: object[]): Transcript {
  const transcript = new Transcript();
  for (const message of messages) {
    const parsed = parseMessage(JSON.stringify(message));
    if (!parsed) throw new Error(`not a message: ${JSON.stringify(message)}`);
    transcript.receive(parsed);
  }
  return transcript;
}

const agentLine = (transcript: Transcript, i: number): Extract<Line, { side: 'agent' }> => {
  const line = transcript.lines[i];
  if (line?.side !== 'agent') throw new Error('not the agent');
  return line;
};

describe('words that were heard', () => {
  it('are the beginning of the sentence', () => {
    const words = markHeard('We are open Monday to Friday, from nine.', 'We are open Monday');
    expect([heard(words), lost(words)]).toEqual(['We are open Monday', 'to Friday, from nine.']);
  });
  it('do not depend on punctuation and case', () => {
    expect(lost(markHeard('On Sunday, we are closed.', 'on sunday we'))).toBe('are closed.');
  });
  it('are counted where they are written otherwise', () => {
    expect(heard(markHeard('At 9 a.m. we open.', 'At nine a.m.'))).toBe('At 9 a.m.');
  });
  it('are as many as were heard, wherever the sentence was cut and however it is written', () => {
    const sentence = 'We are open, Monday to Friday: from nine – to six (or so) and on Saturday, from 10 to 2!';
    const words = sentence.split(' ');
    for (let count = 0; count <= words.length; count++) {
      const said = words.slice(0, count).join(' ');
      for (const text of [said, said.toUpperCase(), said.replace(/[,:()!]/g, ''), `  ${said}\n`]) {
        const marked = markHeard(sentence, text);
        expect(marked.map((word) => word.text)).toEqual(words);
        expect(marked.filter((word) => word.heard)).toHaveLength(count);
        // What is struck out is the end, and nothing in between.
        expect(marked.findIndex((word) => !word.heard)).toBe(count === words.length ? -1 : count);
      }
    }
  });
  it('are never more than the sentence has', () => {
    expect(lost(markHeard('Good morning.', 'Good morning and something else entirely.'))).toBe('');
    expect(markHeard('', 'anything')).toEqual([]);
  });
  it('may be none or all', () => {
    expect(heard(markHeard('Good morning.', ''))).toBe('');
    expect(lost(markHeard('Good morning.', 'Good morning.'))).toBe('');
  });
});

describe('the transcript', () => {
  it('puts the sentences of a turn into one line, and strikes what was not heard', () => {
    const transcript = play(
      { type: 'caption', side: 'agent', turn: 1, sentence: 0, text: 'We are open.', final: true },
      { type: 'heard', turn: 1, sentence: 0, text: 'We are open.', whole: true },
      { type: 'caption', side: 'agent', turn: 1, sentence: 1, text: 'On Sunday we are closed.', final: true },
      { type: 'clear' },
      { type: 'heard', turn: 1, sentence: 1, text: 'On Sunday', whole: false },
      { type: 'caption', side: 'caller', turn: 2, text: 'And on Monday?', final: true },
    );
    expect(transcript.lines).toHaveLength(2);
    const [first, second] = agentLine(transcript, 0).sentences;
    expect(first?.state).toBe('whole');
    expect(second?.state).toBe('cut');
    expect(lost(second!.words)).toBe('we are closed.');
  });

  it('corrects and withdraws what the caller said', () => {
    const say = (text: string, final: boolean): object => ({ type: 'caption', side: 'caller', turn: 1, text, final });
    const transcript = play(say('I would', true), say('I would like a haircut', true));
    expect(transcript.lines).toMatchObject([{ text: 'I would like a haircut' }]);
    expect(play(say('I would', true), say('', false)).lines).toEqual([]);
  });

  it('takes a turn apart whether it comes before or after the answer', () => {
    const answer = { type: 'caption', side: 'agent', turn: 1, sentence: 0, text: 'Yes.', final: true };
    const turn = { type: 'turn', turn: 1, stages: { endpoint: 200, stt: 90, dialogue: 1, tts: 50, out: 20 }, response: 361 };
    for (const messages of [
      [turn, answer],
      [answer, turn],
    ]) {
      expect(agentLine(play(...messages), 0).latency?.response).toBe(361);
    }
    expect(play(turn, answer).responses).toEqual([361]);
    expect(play({ ...answer, turn: 0 }, { ...turn, turn: 0 }).responses).toEqual([]);
  });
});

describe('messages', () => {
  it('that are broken or unknown are left alone', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{',
      '{"type":"caption"}',
      '{"type":"caption","side":"agent","turn":1,"text":"no sentence"}',
      '{"type":"caption","side":"caller","turn":-1,"text":"x"}',
      '{"type":"call","id":1,"state":"ringing"}',
      '{"type":"call","id":"a","state":"dreaming"}',
      '{"type":"turn","turn":1,"stages":{"endpoint":"1"},"response":2}',
      '{"type":"heard","turn":1,"sentence":0,"text":"x"}',
      '{"type":"tomorrow"}',
    ]) {
      expect(parseMessage(text), text).toBeUndefined();
    }
  });
  it('of an end have what is missing filled in', () => {
    expect(parseMessage('{"type":"end"}')).toEqual({
      type: 'end',
      cause: 'lost',
      by: 'system',
      reason: '',
      status: 0,
      seconds: 0,
    });
  });
});
