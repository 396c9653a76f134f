import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../../test/system/product.ts';
import { EDGE, type Party } from './party.ts';

const run = promisify(execFile);

export interface SoftphoneOptions {
  readonly directory: string;
  readonly party: Party;
  /** the tone that it speaks, in Hz */
  readonly toneHz: number;
  /** its RTP ports: baresip sends from 127.0.0.1 whatever it is told, so these tell the two apart */
  readonly ports: `${number}-${number}`;
  /** its trunk would assert the caller; a phone without a trunk logs in with this */
  readonly password?: string;
  /** UDP unless told otherwise; over TLS its sound is encrypted (SRTP), or there is no call */
  readonly transport?: 'tcp' | 'tls';
  /** files in PEM: its own certificate with the key, and the certificates that it trusts */
  readonly certificate?: { readonly own: string; readonly trusted: string };
}

export interface PhoneEvent {
  readonly type: string;
  readonly peeruri?: string;
  readonly peerdisplayname?: string;
}

/** baresip without a screen: a real SIP phone with real sound, driven through its control port. */
export class Softphone {
  readonly events: PhoneEvent[] = [];
  readonly #options: SoftphoneOptions;
  readonly #child: ChildProcess;
  readonly #control: Socket;
  #unread = Buffer.alloc(0);

  private constructor(options: SoftphoneOptions, child: ChildProcess, control: Socket) {
    this.#options = options;
    this.#child = child;
    this.#control = control;
    control.on('data', (chunk) => this.#read(chunk));
  }

  static async start(options: SoftphoneOptions): Promise<Softphone> {
    const { directory, party, toneHz, ports, password, transport, certificate } = options;
    mkdirSync(path.join(directory, 'recordings'), { recursive: true });
    const tone = path.join(directory, 'tone.wav');
    await run('sox', [
      '-n',
      '-r',
      '8000',
      '-c',
      '1',
      '-b',
      '16',
      tone,
      'synth',
      '60',
      'sine',
      String(toneHz),
      'vol',
      '0.5',
    ]);
    const config = [
      `sip_listen ${party.address}:5060`,
      `net_interface ${party.address}`,
      `audio_source aufile,${tone}`,
      'audio_player aubridge,sink',
      'audio_alert aubridge,alert',
      `rtp_ports ${ports}`,
      'module_path /usr/lib/baresip/modules',
      ...['g711', 'aufile', 'aubridge', 'sndfile', 'srtp'].map((name) => `module ${name}.so`),
      ...['account', 'menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
      `snd_path ${path.join(directory, 'recordings')}`,
      `ctrl_tcp_listen ${party.address}:4444`,
      ...(certificate ? [`sip_certificate ${certificate.own}`, `sip_cafile ${certificate.trusted}`] : []),
    ];
    writeFileSync(path.join(directory, 'config'), `${config.join('\n')}\n`);
    const login = password ? `auth_user=${party.number};auth_pass=${password};` : '';
    const way = transport ? `;transport=${transport}` : '';
    const encrypted = transport === 'tls' ? 'mediaenc=srtp-mand;' : '';
    writeFileSync(
      path.join(directory, 'accounts'),
      `"${party.name}" <sip:${party.number}@${party.address}${way}>;regint=0;${login}${encrypted}outbound="${edgeFor(transport)}";answermode=auto;audio_codecs=pcma\n`,
    );
    writeFileSync(path.join(directory, 'contacts'), '');
    const child = spawn('baresip', ['-f', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    let control: Socket | null = null;
    await until('the control port of baresip', async () => {
      if (child.exitCode !== null) throw new Error(`baresip ended: ${output.slice(-2_000)}`);
      const socket = connect(4444, party.address);
      control = await once(socket, 'connect').then(
        () => socket,
        () => null,
      );
      return control !== null;
    }).catch((error: Error) => {
      child.kill('SIGKILL');
      throw error;
    });
    if (control === null) throw new Error('unreachable');
    return new Softphone(options, child, control);
  }

  get party(): Party {
    return this.#options.party;
  }

  dial(number: string): void {
    const edge = edgeFor(this.#options.transport);
    this.#command('dial', edge.replace('sip:', `sip:${number}@`));
  }

  hangUp(): void {
    this.#command('hangup', '');
  }

  async happened(type: string): Promise<PhoneEvent> {
    await until(`${type} at the phone of ${this.party.name}`, () =>
      this.events.some((event) => event.type === type),
    ).catch((error: Error) => {
      throw new Error(
        `${error.message}; it saw ${this.events.map((event) => event.type).join(', ') || 'nothing'}`,
      );
    });
    const found = this.events.find((event) => event.type === type);
    if (!found) throw new Error('unreachable');
    return found;
  }

  /** The frequency in Hz and the length in seconds of what this phone has heard, in its first call or in another. */
  async heardTone(call = 0): Promise<{ hertz: number; seconds: number }> {
    const directory = path.join(this.#options.directory, 'recordings');
    // Their names begin with the time.
    const files = readdirSync(directory).filter((name) => name.endsWith('dec.wav'));
    const file = files.sort()[call];
    if (!file) throw new Error('Nothing was recorded.');
    const { stderr } = await run('sox', [path.join(directory, file), '-n', 'stat']);
    const read = (name: string) => Number(new RegExp(`${name}[^:]*: *([0-9.]+)`).exec(stderr)?.[1]);
    return { hertz: read('Rough +frequency'), seconds: read('Length') };
  }

  async stop(): Promise<void> {
    this.#control.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  /** The control protocol: JSON in netstrings. */
  #command(command: string, params: string): void {
    const text = JSON.stringify({ command, params, token: '1' });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const colon = this.#unread.indexOf(':');
      const length = Number(this.#unread.subarray(0, Math.max(0, colon)).toString());
      if (colon < 1 || this.#unread.length < colon + length + 2) return;
      const message = JSON.parse(this.#unread.subarray(colon + 1, colon + 1 + length).toString());
      this.#unread = this.#unread.subarray(colon + length + 2);
      if (message.event) this.events.push(message);
    }
  }
}

function edgeFor(transport: SoftphoneOptions['transport']): string {
  const way = transport ? `;transport=${transport}` : '';
  return `sip:${EDGE}:${transport === 'tls' ? 5061 : 5060}${way}`;
}
