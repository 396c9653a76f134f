import { signatureHeaders } from '../../simulator/exchange/webhook-signature.ts';
import type { Asked } from '../checks/asked.ts';
import { DEADLINE_MS } from '../checks/judge.ts';
import type { SessionHistory } from '../checks/session-history.ts';
import type { Action } from './action.ts';
import { ACTIONS } from './actions.ts';
import { CLOCK_ACTIONS } from './clock-actions.ts';
import type { Operator } from './operator.ts';
import { type Meant, OrderBook } from './order-book.ts';
import { type Random, seededRandom } from '../../src/lib/random.ts';
import { phoneText, SECOND } from './people.ts';
import { PERMISSION_ACTIONS } from './permission-actions.ts';
import { STOCK_ACTIONS } from './stock-actions.ts';
import { TIGHT_ACTIONS } from './tight-actions.ts';
import { TROUBLE } from './trouble.ts';
import type { World } from './world.ts';

/** Drawn by themselves, so that a history without them is what it was. */
const FURTHER_ACTIONS = [...PERMISSION_ACTIONS, ...TIGHT_ACTIONS, ...STOCK_ACTIONS];
/** The probability that a step has one of CLOCK_ACTIONS as well, where there are further actions and clocks differ. */
const CLOCKS_MATTER = 0.05;
const IN_FLIGHT_MAXIMUM = 10;
/** the probability that a step lets something go on before something new begins */
const GO_ON = 0.6;

/** Who does what, step by step, as the seed says. */
export class Play {
  readonly world: World;
  readonly book = new OrderBook();
  readonly ringing: { readonly operator: Operator; readonly callId: string }[] = [];
  readonly #actions: readonly Action[];
  readonly #weight: number;
  /** says when the actions of FURTHER_ACTIONS come, and which */
  readonly #further: Random;
  /** says when those of CLOCK_ACTIONS come; a draw of its own, so that a history without them is what it was */
  readonly #clocks: Random;
  #serial = 0;

  constructor(world: World) {
    this.world = world;
    this.#actions = [...ACTIONS, ...TROUBLE];
    this.#weight = weightOf(this.#actions);
    this.#further = seededRandom(world.seed * 15_485_863 + 5);
    this.#clocks = seededRandom(world.seed * 32_452_843 + 9);
  }

  /** @throws Violation */
  async step(): Promise<void> {
    const { world } = this;
    const action = draw(this.#actions, this.#weight, world.random);
    // Left out or not, it takes its place in the lottery, so that the others stay what they were.
    if (!world.without.includes(action.name)) {
      world.trace.note(action.name);
      world.reached.count(`action ${action.name}`);
      await action.run(this);
    }
    const { furtherActions, skewMs } = world.shape;
    if (furtherActions > 0 && this.#further.next() < furtherActions)
      await this.#oneOf(FURTHER_ACTIONS, this.#further);
    if (furtherActions > 0 && skewMs > 0 && this.#clocks.next() < CLOCKS_MATTER)
      await this.#oneOf(CLOCK_ACTIONS, this.#clocks);
    world.poll();
    await world.scheduler.settle();
    while (world.scheduler.waiting > 0 && (world.inFlight > IN_FLIGHT_MAXIMUM || world.chance(GO_ON))) {
      await world.scheduler.openOne();
    }
    await world.observe();
    if (world.chance(0.5)) await world.advance(1 + world.int(world.shape.paceMs), true);
  }

  async #oneOf(actions: readonly Action[], random: Random): Promise<void> {
    const { world } = this;
    const action = draw(actions, weightOf(actions), random);
    if (world.without.includes(action.name)) return;
    world.reached.count(`action ${action.name}`);
    await action.run(this);
  }

  serial(): number {
    return this.#serial++;
  }

  anyOrder(): string {
    return `order-${this.world.int(this.world.shape.orders)}`;
  }

  somePeople(count: number): number[] {
    const { world } = this;
    const people = new Set<number>();
    while (people.size < count) people.add(world.int(world.shape.people));
    return [...people];
  }

  /** One of the latest; mostly one that is open. */
  anySession(): SessionHistory | undefined {
    const { world } = this;
    const latest = [...world.observer.sessions.values()].slice(-14);
    const open = latest.filter((session) => session.latest.state === 'open');
    return world.pick(open.length > 0 && world.chance(0.6) ? open : latest);
  }

  publish(meant: Meant, detail: string): void {
    const { world } = this;
    world.trace.say(`${meant.order} ${meant.kind} ${detail}`);
    world.orderTopic.publish(this.book.encode(meant, world.clock.now(), world.chance(0.6)));
  }

  /** Somebody dials: mostly a number that they have met, now or before; from their own phone, or another's. */
  anyDialling(): { readonly phone: number; readonly number: string | null } {
    const { world } = this;
    const session = this.anySession();
    const aimed = session && world.chance(0.85);
    if (!aimed) {
      const number = world.pick(world.operators.flatMap((operator) => operator.heldNumbers()));
      return { phone: world.int(world.shape.people), number: number ?? null };
    }
    const snapshot = world.pick(session.snapshots) ?? session.latest;
    const calling = world.pick(snapshot.members);
    const called = world.pick(snapshot.members.filter((member) => member !== calling));
    const phone = calling?.phone ?? 0;
    const fromAnother = world.chance(0.1);
    return {
      phone: fromAnother ? (phone >= SECOND ? phone - SECOND : phone + SECOND) : phone,
      number: called?.virtualNumber ?? null,
    };
  }

  /** The next instant at which something begins or ends for some session, or a millisecond before or after it. */
  nextBoundary(): { readonly ms: number; readonly session: SessionHistory } | null {
    const { world } = this;
    const now = world.clock.now();
    const { numberQuarantineSeconds, pairQuarantineSeconds, graceSeconds } = world.shape.pool;
    const instants = [...world.observer.sessions.values()].slice(-20).flatMap((session) => {
      const { latest } = session;
      const ends = [latest.closedAt ?? latest.expiresAt, this.#lastCallEnd(session)];
      const rests = [graceSeconds, numberQuarantineSeconds, pairQuarantineSeconds];
      const instant =
        latest.state === 'closed'
          ? ends.flatMap((end) => rests.map((seconds) => end + seconds * 1_000))
          : [latest.expiresAt];
      return instant.filter((at) => at > now && Number.isFinite(at)).map((at) => ({ at, session }));
    });
    // An open session has one such instant and a closed one has six, so that the kind is drawn first.
    const wantsOpen = world.chance(0.5);
    const kind = instants.filter(({ session }) => (session.latest.state === 'open') === wantsOpen);
    const next = world.pick(kind.length > 0 ? kind : instants);
    if (next === undefined) return null;
    const offset = world.pick([-1, -1, 0, 1]) ?? 0;
    return { ms: Math.max(1, next.at - now + offset), session: next.session };
  }

  #lastCallEnd(session: SessionHistory): number {
    return Math.max(0, ...[...session.calls.keys()].map((call) => this.world.callEnd(call) ?? 0));
  }

  anySpan(): number {
    const { world } = this;
    if (world.chance(0.03)) return 3_600_000;
    return world.pick([300, 450, 1_000, 1_000, 5_000, 5_000, 20_000, 45_000, 61_000, 310_000]) ?? 1_000;
  }

  /** Mostly one that connected somebody, or that took too long. */
  worthAskingAgain(asked: readonly Asked[]): Asked | undefined {
    const { world } = this;
    const worthy = asked.filter(
      (one) => one.body.includes('"connect"') || one.answeredAt - one.askedAt >= DEADLINE_MS,
    );
    return world.pick(worthy.length > 0 && world.chance(0.75) ? worthy : asked);
  }

  /** The operator, or somebody who has captured the id, asks about a call once more. */
  askAgain(asked: Asked, from: number): void {
    const { world } = this;
    const operator = world.operators.find((one) => one.accountId === asked.account);
    if (!operator) return;
    world.trace.say(`${asked.id} is asked again, from phone ${from}`);
    const body = JSON.stringify({ callId: asked.id, from: phoneText(from), to: asked.dialled });
    world.start('ask again', this.signedAsk(operator, operator, 'answer', body, {}));
  }

  dialWithin(session: SessionHistory): void {
    const { world } = this;
    const calling = world.pick(session.latest.members);
    const called = world.pick(session.latest.members.filter((member) => member !== calling));
    const number = called?.virtualNumber;
    if (!calling || !number) return;
    world.trace.say(`phone ${calling.phone} dials ${number}`);
    this.dial(number, { from: phoneText(calling.phone) });
  }

  /** Whoever rings then waits to be picked up. */
  dial(number: string, params: { from: string; withheld?: boolean; digits?: string }): void {
    const operator = this.world.operatorOf(number);
    const dialling = operator.exchange.calls.dial({ ...params, to: number }).then(({ state, callId }) => {
      if (state === 'ringing') this.ringing.push({ operator, callId });
      return state;
    });
    this.world.start(`dial ${number}`, dialling);
  }

  /** A question to the account of `to`, signed with the secret of `signer`. */
  async signedAsk(
    to: Operator,
    signer: Operator,
    kind: 'answer',
    body: string,
    options: { illegitimate?: boolean },
  ): Promise<void> {
    const url = `${to.webhookBase}/${kind}`;
    const headers = {
      'content-type': 'application/json',
      ...signatureHeaders(url, body, signer.sharedSecret, this.world.clock.now()),
    };
    await this.world.network.ask({ url, headers, body }, options);
  }
}

function weightOf(actions: readonly Action[]): number {
  return actions.reduce((sum, action) => sum + action.weight, 0);
}

function draw(actions: readonly Action[], weight: number, random: Random): Action {
  let left = random.next() * weight;
  for (const action of actions) {
    left -= action.weight;
    if (left < 0) return action;
  }
  return actions[0] as Action;
}
