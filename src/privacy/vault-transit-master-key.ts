import { type MasterKeySource, MasterKeyUnavailable, readMasterKeyText } from './master-key-source.ts';

const ANSWER_CHARACTERS_MAXIMUM = 16 * 1_024;

export interface VaultTransitSettings {
  /** `https://vault.example:8200` */
  readonly url: string;
  /** name of the key of the transit engine */
  readonly key: string;
  readonly token: string;
  /** `vault:v1:…`, what `vault write transit/encrypt/<key> plaintext=<base64 of 32 bytes>` gave */
  readonly ciphertext: string;
}

/**
 * The transit engine of HashiCorp Vault or OpenBao: the master key lies here encrypted, and is opened there.
 * `POST {url}/v1/transit/decrypt/{key}`, header `X-Vault-Token`, `{ ciphertext }` → `{ data: { plaintext } }`.
 */
export function vaultTransitMasterKey(settings: VaultTransitSettings): MasterKeySource {
  const name = `Vault at ${new URL(settings.url).host}`;
  return {
    name,
    revocable: true,
    async read(signal) {
      const answer = await ask(name, settings, signal);
      return readMasterKeyText(name, plaintextOf(name, answer));
    },
  };
}

async function ask(name: string, settings: VaultTransitSettings, signal: AbortSignal): Promise<string> {
  const { url, key, token, ciphertext } = settings;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}/v1/transit/decrypt/${encodeURIComponent(key)}`, {
      method: 'POST',
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      body: JSON.stringify({ ciphertext }),
      redirect: 'error',
      signal,
    });
    text = await response.text();
  } catch {
    throw new MasterKeyUnavailable(
      `${name} does not answer. Check MASKLINE_MASTER_KEY_VAULT_URL, the network and its certificate.`,
    );
  }
  if (response.status === 403) {
    throw new MasterKeyUnavailable(
      `${name} refused. Check the token, and that its policy allows decrypting.`,
    );
  }
  if (!response.ok) {
    const advice = 'Check that it is unsealed, and that key and ciphertext belong together.';
    throw new MasterKeyUnavailable(`${name} answered ${response.status}. ${advice}`);
  }
  if (text.length > ANSWER_CHARACTERS_MAXIMUM)
    throw new MasterKeyUnavailable(`${name} answered more than 16 kB.`);
  return text;
}

function plaintextOf(name: string, text: string): string {
  try {
    const { data } = JSON.parse(text) as { data?: { plaintext?: unknown } };
    if (typeof data?.plaintext === 'string') return data.plaintext;
  } catch {
    // Its words would repeat the answer, which may hold the key.
  }
  throw new MasterKeyUnavailable(`${name} answered something else than the transit engine does.`);
}
