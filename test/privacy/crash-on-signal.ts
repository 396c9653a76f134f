import { PhoneNumber } from '../../src/privacy/phone-number.ts';

/** Loaded into a service by a test: ends it by an error that nobody catches and that carries a real number. */
process.on('SIGUSR1', () => {
  const realNumber = PhoneNumber.parse(process.env.CRASH_NUMBER ?? '');
  const cause = Object.assign(new Error('What led to it'), { realNumber });
  queueMicrotask(() => {
    throw Object.assign(new Error('A planned crash with a number at hand', { cause }), {
      realNumber,
      participants: [{ role: 'driver', realNumber }],
      text: `${realNumber} ${JSON.stringify({ realNumber })}`,
    });
  });
});
