import { mentionsSomebody } from '../world/people.ts';
import { TOPICS } from '../world/replica.ts';
import { demand } from '../world/violation.ts';
import type { World } from '../world/world.ts';

interface Announced {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}

/** What a consumer that knows event ids has seen: every event once, in the order of its key. */
export function announced(world: World): Announced[] {
  const seen = new Set<string>();
  return world.bus.all(TOPICS.masking).flatMap((message) => {
    const text = Buffer.from(message.value).toString('utf8');
    demand(!mentionsSomebody(text), () => 'INV-28 an event holds a real number');
    const event = JSON.parse(text) as Announced;
    if (seen.has(event.id)) {
      world.reached.count('an event was published again');
      return [];
    }
    seen.add(event.id);
    return [event];
  });
}

/** INV-31, INV-10 (exhaustion), INV-25: what was announced is what was committed, once and in order. */
export function checkAnnounced(world: World): void {
  const events = announced(world);
  const bySession = new Map<string, Announced[]>();
  const byCall = new Map<string, Announced[]>();
  for (const event of events) {
    const { sessionId, callId } = event.data;
    const [group, id] =
      event.type.startsWith('session.') || event.type === 'pool.exhausted'
        ? [bySession, sessionId]
        : [byCall, callId];
    if (typeof id === 'string') group.set(id, [...(group.get(id) ?? []), event]);
  }
  for (const session of world.observer.sessions.values()) {
    const story = bySession.get(session.id) ?? [];
    const types = story
      .filter((event) => event.type !== 'pool.exhausted')
      .map((event) => event.type.slice(8));
    const text = types.join(' ');
    const isWhole =
      /^(?:opened|pending)(?: (?:opened|pending))*(?: closed)?$/.test(text) && !/pending pending/.test(text);
    demand(isWhole, () => `INV-31 the story of ${session.id} is “${text}”`);
    const { state } = session.latest;
    const last = { open: 'opened', pending: 'pending', closed: 'closed' }[state];
    demand(types.at(-1) === last, () => `INV-31 ${session.id} is ${state}, and its story is “${text}”`);
    const exhausted = story.filter((event) => event.type === 'pool.exhausted').length;
    const waits = types.filter((type) => type === 'pending').length;
    demand(
      exhausted === waits,
      () => `INV-10 ${session.id} waited ${waits} times, and exhaustion was reported ${exhausted} times`,
    );
    const opened = story.filter((event) => event.type === 'session.opened').at(-1);
    if (opened) checkNumbers(world, session.id, opened);
  }
  checkSuccession(world, events);
  for (const [id, story] of byCall) {
    const count = (type: string): number => story.filter((event) => event.type === type).length;
    // A decision that came too late to be told is announced as refused after it was announced as taken.
    const [started, refused] = [count('call.started'), count('call.refused')];
    demand(
      started <= 1 && refused <= 1 && started + refused >= 1,
      () => `INV-25 the decision on ${id} was announced ${started} and ${refused} times`,
    );
    // An estimated end is followed by the reported one, should that still come.
    demand(
      count('call.ended') <= 2 && count('call.answered') <= 1,
      () => `INV-25 ${id} ended ${count('call.ended')} times`,
    );
  }
}

function checkNumbers(world: World, sessionId: string, opened: Announced): void {
  const session = world.observer.sessions.get(sessionId);
  const last = session?.snapshots.findLast((snapshot) => snapshot.state === 'open');
  if (!last) return;
  const told = JSON.stringify(
    (opened.data.participants as { virtualNumber: string }[]).map((p) => p.virtualNumber),
  );
  const kept = JSON.stringify(last.members.map((member) => member.virtualNumber));
  demand(told === kept, () => `INV-31 ${sessionId} was announced with other numbers than it has`);
}

/** Of one order, the end of each session comes before the beginning of the next. */
function checkSuccession(world: World, events: readonly Announced[]): void {
  const running = new Map<string, string>();
  for (const { type, subject, data } of events) {
    if (!type.startsWith('session.')) continue;
    const id = String(data.sessionId);
    const before = running.get(subject);
    demand(
      before === undefined || before === id,
      () => `INV-31 of ${subject}, ${type} ${id} was announced before the end of ${before}`,
    );
    if (type === 'session.closed') running.delete(subject);
    else running.set(subject, id);
  }
  world.reached.count('events announced', events.length);
}
