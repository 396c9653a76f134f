import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { until } from '../../../test/system/product.ts';

export interface Packet {
  /** when it was seen, in ms since 1970, to the microsecond; a packet that a test has made up has none */
  readonly atMs?: number;
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  readonly payload: Buffer;
}

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
const ETHERNET_HEADER = 14;
const TCP = 6;
const UDP = 17;

/** Everything that goes between the loopback addresses of the test over UDP, or as the filter says, recorded by tcpdump. */
export class Capture {
  readonly #file: string;
  readonly #child: ChildProcess;

  private constructor(file: string, child: ChildProcess) {
    this.#file = file;
    this.#child = child;
  }

  static async start(file: string, filter = 'udp'): Promise<Capture> {
    const child = spawn(
      'tcpdump',
      // Without the first two the last packets are lost when it is stopped.
      ['--immediate-mode', '-U', '-i', 'lo', '-n', '-s', '0', '-B', '65536', '-w', file, filter],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr?.on('data', (chunk) => (said += chunk));
    await until('tcpdump', () => {
      if (child.exitCode !== null) throw new Error(`tcpdump ended: ${said}`);
      return said.includes('listening on') && existsSync(file) && statSync(file).size >= FILE_HEADER;
    });
    return new Capture(file, child);
  }

  /** What was recorded until now. */
  soFar(): readonly Packet[] {
    return readPackets(readFileSync(this.#file));
  }

  async stop(): Promise<readonly Packet[]> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGINT');
      await gone;
    }
    return readPackets(readFileSync(this.#file));
  }
}

/**
 * Reads the UDP packets, and the TCP segments that carry something, of a pcap file of an Ethernet-like interface. On the
 * loopback interface a SIP message is one segment. @throws Error on any other file
 */
export function readPackets(file: Buffer): Packet[] {
  if (file.length < FILE_HEADER || file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1) {
    throw new Error('This is no capture of the loopback interface.');
  }
  const packets: Packet[] = [];
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const atMs = file.readUInt32LE(at) * 1_000 + file.readUInt32LE(at + 4) / 1_000;
    // The last one may be half written while the recording goes on.
    if (at + PACKET_HEADER + length > file.length) break;
    const ip = file.subarray(at + PACKET_HEADER + ETHERNET_HEADER, at + PACKET_HEADER + length);
    at += PACKET_HEADER + length;
    if (ip.length < 28 || (ip[0] ?? 0) >> 4 !== 4 || (ip[9] !== UDP && ip[9] !== TCP)) continue;
    const segment = ip.subarray(((ip[0] ?? 0) & 15) * 4, ip.readUInt16BE(2));
    const payload =
      ip[9] === UDP
        ? segment.subarray(8, segment.readUInt16BE(4))
        : segment.subarray(((segment[12] ?? 0) >> 4) * 4);
    if (ip[9] === TCP && payload.length === 0) continue;
    packets.push({
      atMs,
      from: ip.subarray(12, 16).join('.'),
      fromPort: segment.readUInt16BE(0),
      to: ip.subarray(16, 20).join('.'),
      toPort: segment.readUInt16BE(2),
      payload,
    });
  }
  return packets;
}
