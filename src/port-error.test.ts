import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { portError } from './port-error.ts';

async function failToListen(host: string, port: number): Promise<unknown> {
  const [error] = await once(createServer().listen({ host, port }), 'error');
  return error;
}

it('says of an address that the machine does not have which setting it is', async () => {
  // Kept for documentation (RFC 5737), so nobody has it.
  const error = portError(await failToListen('192.0.2.1', 0), 'MASKLINE_PORT', 8080);
  expect(error).toMatchObject({ message: expect.stringContaining('MASKLINE_HOST is no address') });
});

it('says of a port that somebody has which setting changes it', async () => {
  const other = createServer().listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const error = portError(await failToListen('127.0.0.1', port), 'SIMULATOR_PORT', port);
  expect(error).toMatchObject({ message: expect.stringMatching(`Port ${port} is in use .*SIMULATOR_PORT`) });
});

it('leaves every other error as it is', () => {
  const other = new Error('Something else.');
  expect(portError(other, 'MASKLINE_PORT', 1)).toBe(other);
});
