import { Type } from 'typebox';
import { ERRORS, type ErrorCode } from '../../domain/errors.ts';
import { oneOf } from './fields.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

export const Problem = {
  name: 'Problem',
  schema: Type.Object(
    {
      type: Type.String({ format: 'uri-reference', examples: ['/errors/MASK_INVALID_NUMBER'] }),
      title: Type.String({ examples: [ERRORS.MASK_INVALID_NUMBER.title] }),
      status: Type.Integer({ examples: [422] }),
      code: oneOf(CODES, { description: 'Stable; what programs should look at.' }),
      detail: Type.String({ description: 'What to do about it.' }),
      errors: Type.Optional(
        Type.Array(
          Type.Object({
            path: Type.String({
              description: 'JSON Pointer into the body, or `?name` for a query parameter.',
              examples: ['/participants/1/realNumber'],
            }),
            message: Type.String(),
          }),
        ),
      ),
    },
    { description: 'RFC 9457 problem details.' },
  ),
};
