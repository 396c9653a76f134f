import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { OrderListView } from '../api-types.ts';
import type { FakeCompany } from './start-fake-company.ts';

/** The pages of a delivery company, with fakes or the whole product behind them. */
export interface PageStage {
  readonly company: { readonly delivery: { readonly url: string } };
  /** a new tab at a path of the delivery company */
  openPage(path: string): Promise<Page>;
  shoot(page: Page, name: string): Promise<void>;
}

const app = (page: Page, userId: string): Locator => page.getByTestId(`app-${userId}`);
const handset = (page: Page, userId: string): Locator => page.getByTestId(`handset-${userId}`);
const callScreen = (page: Page, userId: string, state: string): Locator =>
  handset(page, userId).locator(`[data-testid="call-screen"][data-state="${state}"]`);

async function numberIn(place: Locator): Promise<string> {
  const number = await place.getByTestId('virtual-number').first().getAttribute('data-number');
  assert.match(number ?? '', /^\+\d+$/);
  return number ?? '';
}

/** The six steps that explain Maskline, by nothing but the guide's own button. */
export async function checkGuide({ openPage, shoot }: PageStage): Promise<void> {
  const page = await openPage('/');
  const guide = page.getByTestId('guide');
  const next = page.getByTestId('guide-action');
  await next.filter({ hasText: 'Place an order for Ana' }).waitFor();
  await shoot(page, 'board-1-empty');
  await next.click();
  await next.filter({ hasText: 'Assign Dario' }).click();
  await next.filter({ hasText: 'Call Dario as Ana' }).waitFor();
  await shoot(page, 'board-2-assigned');
  await next.click();
  await callScreen(page, 'dario', 'incoming').waitFor();
  const shown = await numberIn(callScreen(page, 'dario', 'incoming'));
  assert.equal(shown, await numberIn(page.getByTestId('number-of-customer')));
  await shoot(page, 'board-3-ringing');
  await next.filter({ hasText: 'Answer as Dario' }).click();
  await callScreen(page, 'ana', 'answered').waitFor();
  await callScreen(page, 'dario', 'answered').waitFor();
  await shoot(page, 'board-4-talking');
  await next.filter({ hasText: 'Hang up' }).click();
  await next.filter({ hasText: 'Complete the order' }).click();
  await next.filter({ hasText: 'Redial as Ana' }).click();
  await callScreen(page, 'ana', 'announcement').getByText('This order has ended').waitFor();
  await next.filter({ hasText: 'Place another order' }).waitFor();
  await shoot(page, 'board-5-refused');
  assert.equal(await guide.getAttribute('data-step'), '6');
  await page.close();
}

/** The dispatcher's own controls, and calls and texts both ways on the four devices. */
export async function checkBoard({ openPage, shoot }: PageStage): Promise<void> {
  const page = await openPage('/');
  await page.getByLabel('Customer', { exact: true }).selectOption({ label: 'Noah Berg' });
  await page.getByTestId('place-order').click();
  const state = page.locator('[data-testid="order-row"][aria-pressed="true"] [data-testid="order-state"]');
  await page.getByLabel('Driver', { exact: true }).selectOption({ label: 'Mei Tan' });
  await page.getByTestId('assign-driver').click();
  await app(page, 'noah').getByRole('button', { name: 'Call Mei Tan' }).click();
  await callScreen(page, 'mei', 'incoming').getByRole('button', { name: 'Answer' }).click();
  await callScreen(page, 'noah', 'answered').getByRole('button', { name: 'Hang up' }).click();
  await callScreen(page, 'noah', 'answered').waitFor({ state: 'detached' });

  await app(page, 'mei').getByRole('button', { name: 'Call Noah Berg' }).click();
  await callScreen(page, 'noah', 'incoming').getByRole('button', { name: 'Decline' }).click();
  await handset(page, 'mei').getByRole('button', { name: 'Call Noah Berg again' }).first().waitFor();

  await app(page, 'mei').getByRole('button', { name: 'Text Noah Berg' }).click();
  await handset(page, 'mei').getByLabel('Text message').fill('I am at the gate');
  await handset(page, 'mei').getByRole('button', { name: 'Send' }).click();
  await handset(page, 'noah')
    .getByRole('button', { name: /Messages/ })
    .click();
  await handset(page, 'noah').getByTestId('thread').first().click();
  await handset(page, 'noah').getByTestId('message').filter({ hasText: 'I am at the gate' }).waitFor();
  await handset(page, 'noah').getByLabel('Text message').fill('Blue door, third floor');
  await handset(page, 'noah').getByRole('button', { name: 'Send' }).click();
  await handset(page, 'mei').getByTestId('message').filter({ hasText: 'Blue door' }).waitFor();
  await page.getByTestId('call-records').locator('tbody tr').nth(1).waitFor();
  await shoot(page, 'board-6-texts');

  await page.getByTestId('break-in').getByRole('button').click();
  await page.getByTestId('break-in').getByText('cannot be connected').waitFor();
  await shoot(page, 'board-6-break-in');

  const before = await numberIn(page.getByTestId('number-of-driver'));
  await page.getByLabel('Driver', { exact: true }).selectOption({ label: 'Sam Okafor' });
  await page.getByTestId('assign-driver').click();
  await app(page, 'sam').getByRole('button', { name: 'Call Noah Berg' }).waitFor();
  assert.notEqual(await numberIn(page.getByTestId('number-of-driver')), before);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Its numbers stopped connecting at once.').waitFor();
  assert.equal(await state.getAttribute('data-status'), 'cancelled');
  await page.close();
}

/** The pages for one person each: handing over from app to phone, on a real phone's screen. */
export async function checkAppPages({ openPage, shoot, company }: PageStage): Promise<void> {
  const post = (path: string, body: object) =>
    fetch(`${company.delivery.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then((response) => response.json() as Promise<{ orderId: string }>);
  for (const customerId of ['priya', 'omar', 'ana']) {
    const { orderId } = await post('/api/orders', { customerId });
    await post(`/api/orders/${orderId}/assign`, { driverId: 'dario' });
  }
  const driver = await openPage('/driver/dario');
  await app(driver, 'dario').getByTestId('order-card').nth(2).waitFor();
  await shoot(driver, 'driver-desktop');
  const phone = await openPage('/phone/priya');
  await handset(phone, 'priya').getByText('No calls yet').waitFor();
  await driver.bringToFront();
  await driver.setViewportSize({ width: 390, height: 844 });
  await shoot(driver, 'driver-mobile');
  await app(driver, 'dario').getByRole('button', { name: 'Call Priya Nair' }).click();
  await driver.waitForURL('**/phone/dario');
  await callScreen(driver, 'dario', 'calling').waitFor();
  await phone.setViewportSize({ width: 390, height: 844 });
  await callScreen(phone, 'priya', 'incoming').waitFor();
  await shoot(phone, 'phone-mobile-ringing');
  await callScreen(phone, 'priya', 'incoming').getByRole('button', { name: 'Answer' }).click();
  await callScreen(driver, 'dario', 'answered').waitFor();
  await shoot(driver, 'phone-mobile-talking');
  await callScreen(phone, 'priya', 'answered').getByRole('button', { name: 'Hang up' }).click();
  await handset(driver, 'dario').getByTestId('recent-call').first().waitFor();
  await shoot(driver, 'phone-mobile-recents');
  await handset(driver, 'dario').getByRole('button', { name: 'Keypad' }).click();
  // The number that stands for the driver himself: he has no part in it as a caller.
  const { data } = await fetch(`${company.delivery.url}/api/orders`).then(
    (response) => response.json() as Promise<OrderListView>,
  );
  const own = data.find(({ status }) => status === 'assigned')?.virtualNumbers.driver ?? '';
  await handset(driver, 'dario').getByLabel('Number to dial').fill(own);
  await shoot(driver, 'phone-mobile-keypad');
  await handset(driver, 'dario').getByRole('button', { name: 'Dial' }).click();
  await callScreen(driver, 'dario', 'announcement').getByText('cannot be connected').waitFor();
  await shoot(driver, 'phone-mobile-refused');

  const customer = await openPage('/customer/priya');
  await app(customer, 'priya').getByRole('button', { name: 'Text Dario Costa' }).waitFor();
  await shoot(customer, 'customer-desktop');
  const stranger = await openPage('/customer/nobody');
  await stranger.getByText('Nobody by that name uses this app.').waitFor();
  const board = await openPage('/');
  await board.setViewportSize({ width: 390, height: 844 });
  await board.getByTestId('guide-action').waitFor();
  await shoot(board, 'board-mobile');
  for (const page of [driver, phone, customer, stranger, board]) await page.close();
}

/** Maskline, the phone network and the company itself go away and come back; the pages follow by themselves. */
export async function checkAwayServices({
  openPage,
  shoot,
  company,
}: PageStage & { readonly company: FakeCompany }): Promise<void> {
  company.maskline.isAway = true;
  company.network.isAway = true;
  const page = await openPage('/');
  await page.getByText('Maskline does not answer').first().waitFor();
  await page.getByText('No service.').first().waitFor();
  await shoot(page, 'board-7-away');
  await page.emulateMedia({ colorScheme: 'dark' });
  company.maskline.isAway = false;
  company.network.isAway = false;
  await page.getByText('No service.').first().waitFor({ state: 'detached' });
  await page.getByTestId('stock-idle').waitFor();
  await shoot(page, 'board-8-dark');
  await company.delivery.stop();
  await page.getByText('The delivery company does not answer.').waitFor();
  await page.close();
}
