import { Type } from 'typebox';
import { importVirtualNumber } from '../../app/import-virtual-number.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { RequestError } from '../problem.ts';
import { PoolName, ProviderAccountName, strict } from './fields.ts';
import { Capabilities, toVirtualNumberAnswer, VirtualNumberComponent } from './virtual-number-component.ts';

export const virtualNumbersImport = defineOperation({
  id: 'importVirtualNumber',
  method: 'POST',
  url: '/v1/virtual-numbers',
  tag: 'Virtual numbers',
  scope: 'virtual_numbers:write',
  summary: 'Import a virtual number',
  description: 'Adds a number that you hold at a provider account already. Nothing is bought.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    {
      virtualNumber: Type.String({ minLength: 1, maxLength: 32, description: 'E.164 with `+`.' }),
      pool: PoolName,
      providerAccount: ProviderAccountName,
      capabilities: Capabilities,
    },
    {
      ...strict,
      examples: [
        {
          virtualNumber: '+12025550188',
          pool: 'springfield',
          providerAccount: 'simulator',
          capabilities: ['voice', 'sms'],
        },
      ],
    },
  ),
  answer: VirtualNumberComponent,
  statuses: { 201: 'The virtual number, in service.' },
  errors: [
    'MASK_INVALID_NUMBER',
    'MASK_ALREADY_EXISTS',
    'MASK_UNKNOWN_POOL',
    'MASK_UNKNOWN_PROVIDER_ACCOUNT',
  ],
  repeatable: 'by_key',
  audited: 'virtual_number.imported',
  location: (row) => `/v1/virtual-numbers/${row.virtualNumber}`,
  async run({ app, tenant, body }) {
    // Parsed as a number as well, because what no network can reach is a typing error.
    const virtualNumber = toVirtualNumber(body.virtualNumber);
    if (virtualNumber === null || PhoneNumber.parse(body.virtualNumber) === null) {
      throw new RequestError(
        'MASK_INVALID_NUMBER',
        'Send E.164: `+`, the country code, the number, and nothing else.',
        [{ path: '/virtualNumber', message: 'is not a valid phone number in E.164 with `+`' }],
      );
    }
    const { pool, providerAccount, capabilities } = body;
    const row = await importVirtualNumber(app, {
      tenant,
      virtualNumber,
      pool,
      providerAccount,
      capabilities,
    });
    return { status: 201, body: toVirtualNumberAnswer(row) };
  },
});
