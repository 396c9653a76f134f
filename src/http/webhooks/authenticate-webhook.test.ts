import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SIGNATURE_HEADER } from '../testing/fake-provider.ts';
import { ACCOUNT } from '../testing/real-app.ts';
import { CUSTOMER } from '../testing/springfield.ts';
import { createTestServer, PUBLIC_URL } from '../testing/test-server.ts';
import { createWebhookTown, PATH, type WebhookTown } from '../testing/webhook-town.ts';

let s: WebhookTown;

beforeAll(async () => {
  s = await createWebhookTown();
});
afterAll(() => s.close());
beforeEach(() => s.renewProvider());

async function metric(cause: string): Promise<number> {
  const { values } = await s.app.metrics.webhooksRefused.get();
  return values.find(({ labels }) => labels.cause === cause)?.value ?? 0;
}

describe('a webhook that is not authentic', () => {
  const body = { id: 'forged', from: CUSTOMER, to: '+13035550150' };
  const forgeries = [
    ['unknown_account', `/webhooks/fake/acc_2/${ACCOUNT.pathSecret}`, {}],
    ['unknown_account', `/webhooks/fake/%00/${ACCOUNT.pathSecret}`, {}],
    ['path_secret', `/webhooks/fake/${ACCOUNT.id}/${'q'.repeat(22)}`, {}],
    ['path_secret', `/webhooks/fake/${ACCOUNT.id}/${ACCOUNT.pathSecret.slice(1)}`, {}],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: '' }],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: `${PUBLIC_URL}${PATH}/other` }],
    ['not_authentic', PATH, { [SIGNATURE_HEADER]: `http://maskline.example${PATH}/answer` }],
  ] as const;

  test.each(['answer', 'status', 'message'])('is answered the same whatever is wrong: %s', async (kind) => {
    const answers = new Set<string>();
    for (const [cause, path, headers] of forgeries) {
      const before = await metric(cause);
      const answer = await s.deliver(`${path}/${kind}`, body, { headers });
      expect(answer.statusCode).toBe(403);
      const { 'x-request-id': _id, date: _date, ...rest } = answer.headers;
      answers.add(JSON.stringify([rest, answer.body]));
      expect(await metric(cause)).toBe(before + 1);
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('MASK_WEBHOOK_NOT_AUTHENTIC');
  });

  test('leaves no trace of a call', async () => {
    for (const [, path, headers] of forgeries) await s.deliver(`${path}/answer`, body, { headers });
    const listed = await s.ask(s.key, 'GET', '/v1/calls?limit=200');
    expect(listed.body).not.toContain('forged');
  });

  test('is refused for an account without a secret, whatever the path says', async () => {
    const account = s.accounts.get(ACCOUNT.id);
    if (!account) throw new Error('The test has no account.');
    s.accounts.set('acc_open', { ...account, id: 'acc_open', pathSecret: '' });
    for (const path of ['/webhooks/fake/acc_open//answer', '/webhooks/fake/acc_open/x/answer']) {
      expect((await s.deliver(path, body)).statusCode).toBe(403);
    }
  });

  test('has its path secret in no log line and no metric', async () => {
    await s.deliver(`${PATH}/answer`, body, { headers: { [SIGNATURE_HEADER]: 'wrong' } });
    const metrics = (await s.http.inject('/metrics')).body;
    expect(s.logLines.join('') + metrics).not.toContain(ACCOUNT.pathSecret);
  });
});

describe('the address of a webhook', () => {
  const send = async (trustedProxies: readonly string[]) => {
    await createTestServer(s.app, { trustedProxies }).http.inject({
      method: 'POST',
      url: `${PATH}/answer`,
      remoteAddress: '10.0.0.7',
      headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' },
      payload: '{}',
    });
    return s.provider.requests.at(-1)?.remoteAddress;
  };

  test('is that of the connection', async () => {
    expect(await send([])).toBe('10.0.0.7');
    expect(await send(['192.168.0.0/16'])).toBe('10.0.0.7');
  });

  test('is what a trusted proxy says, but not what a stranger told that proxy', async () => {
    expect(await send(['10.0.0.0/8'])).toBe('198.51.100.1');
  });
});

test('a server without the role webhooks answers none', async () => {
  const { http } = createTestServer(s.app, { roles: { api: true, webhooks: false } });
  expect((await http.inject({ method: 'POST', url: `${PATH}/answer` })).statusCode).toBe(404);
});
