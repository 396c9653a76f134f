import { afterEach, expect, it, vi } from 'vitest';
import { withPhases, withProgress } from './progress.ts';
import { createTerminal } from './testing/terminal.ts';

/** What a terminal is told so that it wraps lines again. */
const WRAPPING = '\u001b[?7h';

const wasTerminal = process.stdout.isTTY;
const others = process.rawListeners('SIGINT').length;
afterEach(() => {
  vi.restoreAllMocks();
  process.stdout.isTTY = wasTerminal;
  expect(process.rawListeners('SIGINT')).toHaveLength(others);
});

/** Ctrl-C, for what the bar has registered, without ending the tests. */
function interrupt(): void {
  for (const listener of process.rawListeners('SIGINT').slice(others)) listener('SIGINT');
}

it('tells what was done when somebody breaks it off, and leaves the terminal as it was', async () => {
  process.stdout.isTTY = true;
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const killed = vi.spyOn(process, 'kill').mockReturnValue(true);
  const { terminal, drawn } = createTerminal();
  const rest = Promise.withResolvers<string>();
  const buy = async (item: string) => {
    if (item !== 'three') return 'bought';
    interrupt();
    return rest.promise;
  };
  const working = withProgress(['one', 'two', 'three', 'four'], String, buy, terminal);
  await vi.waitFor(() => expect(killed).toHaveBeenCalledWith(process.pid, 'SIGINT'));
  expect(printed).toBe('one  bought\ntwo  bought\nBroken off after 2 of 4.\n');
  expect(drawn()).toContain(WRAPPING);
  rest.resolve('bought');
  await working;
});

it('leaves the terminal as it was when somebody does not wait for what has no parts', async () => {
  const killed = vi.spyOn(process, 'kill').mockReturnValue(true);
  const { terminal, drawn } = createTerminal();
  await withPhases(async (at) => {
    at('Asking');
    expect(drawn()).not.toContain(WRAPPING);
    interrupt();
    expect(drawn()).toContain(WRAPPING);
  }, terminal);
  expect(killed).toHaveBeenCalledWith(process.pid, 'SIGINT');
});
