import type { Announcement } from '../../domain/route.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import {
  type CallInstruction,
  type MessageInstruction,
  type NumberHeld,
  type NumberOnSale,
  type ParsedWebhook,
  type Provider,
  type ProviderCapabilities,
  ProviderError,
  type WebhookKind,
  type WebhookRequest,
  type WebhookResponse,
} from '../../providers/provider.ts';

/** What a request must carry to be this provider's: the URL that it called, so that forwarding breaks it. */
export const SIGNATURE_HEADER = 'x-signature';

const ACCEPTED = { accepted: true };

/** A provider that reads JSON and answers JSON, and remembers what reached it. */
export class FakeProvider implements Provider {
  readonly requests: WebhookRequest[] = [];
  /** what it was told to do by command, with the id of the call or message */
  readonly commands: [string, unknown][] = [];
  aborted = false;
  commandCall?: NonNullable<Provider['commandCall']>;
  sendMessage?: NonNullable<Provider['sendMessage']>;
  capabilities: ProviderCapabilities = {
    answer: 'in_response',
    statusCallbacks: true,
    messages: true,
    messageRelay: 'in_response',
    recording: false,
    maxDuration: true,
    collectPin: true,
    attestation: true,
    rejectUnanswered: true,
    provisioning: 'none',
    authenticityFactors: ['signature', 'secret_path'],
  };

  /**
   * From now on its webhooks route nothing, and it waits for commands, which fail with `failure`, or never end.
   * Resolves when the first command arrives.
   */
  byCommand(failure?: ProviderError | 'never'): Promise<void> {
    const arrived = Promise.withResolvers<void>();
    const obey = async (id: string, command: unknown, signal: AbortSignal): Promise<void> => {
      arrived.resolve();
      if (failure === 'never') await this.#abortion(signal);
      else if (failure) throw failure;
      this.commands.push([id, command]);
    };
    this.capabilities = { ...this.capabilities, answer: 'by_command', messageRelay: 'by_command' };
    this.commandCall = (id, instruction, _urls, signal) => obey(id, callOf(instruction), signal);
    this.sendMessage = (instruction, id, signal) => obey(id, messageOf(instruction), signal);
    return arrived.promise;
  }

  #abortion(signal: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted = true;
        reject(new ProviderError('unavailable', 'It took too long.'));
      });
    });
  }

  isAuthentic(request: WebhookRequest): boolean {
    this.requests.push(request);
    return request.headers[SIGNATURE_HEADER] === request.url;
  }

  parseWebhook(kind: WebhookKind, request: WebhookRequest): ParsedWebhook {
    const body = readBody(request);
    const id = String(body.id);
    const calledNumber = toVirtualNumber(String(body.to));
    if (body.ignore === true) return { kind: 'ignored', why: 'asked to' };
    if (body.crash === true) throw new Error('A bug in the adapter.');
    switch (kind) {
      case 'answer': {
        const callingNumber = PhoneNumber.parse(body.from);
        const request = { providerCallId: id, callingNumber, calledNumber, attestation: null, digits: null };
        return { kind, request };
      }
      case 'status':
        return {
          kind,
          callback: { providerCallId: id, legStatus: { status: 'ringing', at: Number(body.at) } },
        };
      case 'message': {
        const sendingNumber = PhoneNumber.parse(body.from);
        const message = { providerMessageId: id, sendingNumber, calledNumber, attachments: 0 };
        return { kind, message: { ...message, body: String(body.text) } };
      }
    }
  }

  renderCall(instruction: CallInstruction): WebhookResponse {
    return json(this.commandCall ? ACCEPTED : callOf(instruction));
  }

  renderMessage(instruction: MessageInstruction): WebhookResponse {
    return json(this.sendMessage ? ACCEPTED : messageOf(instruction));
  }

  renderAcknowledgement(): WebhookResponse {
    return json({});
  }

  async searchNumbers(): Promise<readonly NumberOnSale[]> {
    return [];
  }

  async provisionNumber(): Promise<NumberHeld> {
    throw new ProviderError('refused', 'Nothing is sold here.');
  }

  async readWebhooks(): Promise<unknown> {
    return null;
  }

  async configureNumber(): Promise<unknown> {
    return null;
  }

  async decommissionNumber(): Promise<void> {}

  async listNumbers(): Promise<readonly NumberHeld[]> {
    return [];
  }
}

function readBody(request: WebhookRequest): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(request.rawBody).toString('utf8'));
  } catch (cause) {
    throw new ProviderError('malformed', 'This is no JSON.', { cause });
  }
}

function callOf(instruction: CallInstruction): object {
  return instruction.decision === 'bridge'
    ? { connect: instruction.destination.reveal(), show: instruction.callerId }
    : { say: 'announcement' in instruction ? sayOf(instruction.announcement) : null };
}

function messageOf(instruction: MessageInstruction): object {
  return instruction.decision === 'relay'
    ? { to: instruction.destination.reveal(), from: instruction.sender, text: instruction.body }
    : {};
}

function sayOf(announcement: Announcement): string {
  return `announcement:${announcement}`;
}

function json(body: object): WebhookResponse {
  return { status: 200, contentType: 'application/vnd.fake+xml', body: JSON.stringify(body) };
}
