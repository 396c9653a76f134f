/** Whether a number can be dialled as it is shown; the masked form of somebody's own cannot. */
export function isDiallable(shownNumber: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(shownNumber);
}

/** What was typed, as E.164: spaces and dashes go, `00` stands for `+`, and a missing `+` is added. */
export function toDialled(typed: string): string {
  const digits = typed.replace(/\D/g, '').replace(/^00/, '');
  return digits === '' ? '' : `+${digits}`;
}
