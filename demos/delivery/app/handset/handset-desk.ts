import { createContext, useContext, useSyncExternalStore } from 'react';
import { dial } from '../api/actions.ts';
import { ApiError } from '../api/request.ts';

export type HandsetTab = 'recents' | 'keypad' | 'messages';

/** What the screen of one handset shows beyond what the network knows: where its owner has tapped to. */
export interface HandsetScreen {
  readonly tab: HandsetTab;
  /** the conversation that is open, by the number of the other side */
  readonly thread: string | null;
  /** dialled, and not ringing yet */
  readonly dialling: string | null;
  /** why nothing rang: the operator's announcement, or what went wrong on the way */
  readonly announcement: { readonly dialled: string; readonly text: string } | null;
}

const FIRST_SCREEN: HandsetScreen = { tab: 'recents', thread: null, dialling: null, announcement: null };
const SILENCE = 'The call could not be put through.';

/**
 * The screens of all handsets of this page. An app's call button and the handset beside it are two views of one
 * phone, so what they share lives outside of both.
 */
export class HandsetDesk {
  readonly #screens = new Map<string, HandsetScreen>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  screenOf(userId: string): HandsetScreen {
    return this.#screens.get(userId) ?? FIRST_SCREEN;
  }

  show(userId: string, change: Partial<HandsetScreen>): void {
    this.#screens.set(userId, { ...this.screenOf(userId), ...change });
    for (const listener of this.#listeners) listener();
  }

  /** Dials and waits until the other phone rings or the call is refused; the outcome is on the screen. */
  async dial(userId: string, to: string): Promise<void> {
    if (this.screenOf(userId).dialling !== null) return;
    this.show(userId, { dialling: to, announcement: null });
    try {
      const { heard, state } = await dial(userId, to);
      const isRefused = state === 'refused' || state === 'failed';
      const announcement = isRefused ? { dialled: to, text: heard ?? SILENCE } : null;
      this.show(userId, { dialling: null, announcement });
    } catch (error) {
      const text = error instanceof ApiError ? error.message : SILENCE;
      this.show(userId, { dialling: null, announcement: { dialled: to, text } });
    }
  }
}

export const HandsetDeskContext = createContext(new HandsetDesk());

export function useHandsetDesk(): HandsetDesk {
  return useContext(HandsetDeskContext);
}

export function useHandsetScreen(userId: string): HandsetScreen {
  const desk = useHandsetDesk();
  return useSyncExternalStore(desk.subscribe, () => desk.screenOf(userId));
}
