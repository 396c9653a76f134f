import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Operator, ProviderWatch } from './operator.ts';
import { TENANT } from './replica.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

const intentOf = statement(
  'simulation_intent',
  `select id from intent where tenant = $1 and virtual_number = $2 and kind = $3 and state in ('planned', 'asked')`,
);
const numberBusy = statement(
  'simulation_number_busy',
  `select 1 from route where tenant = $1 and (virtual_number = $2 or caller_id = $2) and (resting_until is null or resting_until > $3)`,
);

/** Judges every purchase and every return at the moment at which it reaches the operator. */
export class PurchaseWatch implements ProviderWatch {
  readonly #world: World;
  readonly #purchases = new Map<Operator, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** INV-33, INV-35. @throws Violation */
  async purchaseAsked(operator: Operator, virtualNumber: VirtualNumber): Promise<void> {
    const { reached, shape, database } = this.#world;
    reached.count('purchase');
    const bought = (this.#purchases.get(operator) ?? 0) + 1;
    this.#purchases.set(operator, bought);
    const { monthlyPurchases } = shape;
    if (bought === monthlyPurchases) reached.count('a budget was spent');
    this.#demand(
      monthlyPurchases === null || bought <= monthlyPurchases,
      () => `INV-35 ${operator.account} was asked for ${bought} numbers: ${monthlyPurchases} may be bought`,
    );
    const rows = await database.run(systemScope, (connection) =>
      connection.query(intentOf, [TENANT, virtualNumber, 'provision']),
    );
    this.#demand(
      rows.length > 0,
      () => `INV-33 ${virtualNumber} was ordered from ${operator.account} without an intent`,
    );
  }

  /** INV-34. @throws Violation */
  async giveBackAsked(operator: Operator, virtualNumber: VirtualNumber): Promise<void> {
    const { reached, shape, database, clock } = this.#world;
    reached.count('number given back');
    // By the clock that is furthest ahead of all: a rest that is over for nobody.
    const values = [TENANT, virtualNumber, new Date(clock.now() + shape.skewMs)];
    const rows = await database.run(systemScope, (connection) => connection.query(numberBusy, values));
    this.#demand(
      rows.length === 0,
      () => `INV-34 ${virtualNumber} was given back to ${operator.account} while it is in use`,
    );
  }

  /** Whoever asks may take any error for an operator that does not answer. */
  #demand(condition: boolean, message: () => string): void {
    if (!condition) throw this.#world.broken(new Violation(message()));
  }
}
