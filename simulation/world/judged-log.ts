import type { Log } from '../../src/observe/log.ts';
import { mentionsSomebody } from './people.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

/** The log of every replica: no line may hold a real number (INV-28), and a promise that was broken deep inside ends the run. */
export function judgedLog(world: World): Log {
  const logged = (fields: object, message: string): void => {
    const error = 'error' in fields && fields.error instanceof Error ? fields.error.message : '';
    const text = `${message} ${error} ${JSON.stringify(fields)}`;
    world.trace.note(`log ${message} ${error}`);
    world.reached.count('log lines read');
    if (mentionsSomebody(text))
      world.failure ??= new Violation(`INV-28 a log line holds a real number: ${message}`);
    if ('error' in fields && fields.error instanceof Violation) world.failure ??= fields.error;
  };
  const log: Log = { debug: () => {}, info: logged, warn: logged, error: logged, child: () => log };
  return log;
}
