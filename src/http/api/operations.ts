import type { Operation } from '../operation.ts';
import { blocksCreate } from './blocks-create.ts';
import { blocksDelete } from './blocks-delete.ts';
import { blocksList } from './blocks-list.ts';
import { callIntentsCreate } from './call-intents-create.ts';
import { callsGet } from './calls-get.ts';
import { callsList } from './calls-list.ts';
import { holdersList } from './holders-list.ts';
import { messagesList } from './messages-list.ts';
import { pinsCreate } from './pins-create.ts';
import { poolsCreate } from './pools-create.ts';
import { poolsGet } from './pools-get.ts';
import { poolsList } from './pools-list.ts';
import { poolsUpdate } from './pools-update.ts';
import { purchaseApprovalsApprove } from './purchase-approvals-approve.ts';
import { purchaseApprovalsCreate } from './purchase-approvals-create.ts';
import { purchaseApprovalsDecline } from './purchase-approvals-decline.ts';
import { purchaseApprovalsList } from './purchase-approvals-list.ts';
import { revealsCreate } from './reveals-create.ts';
import { routeDecisionsCreate } from './route-decisions-create.ts';
import { sessionBlocksCreate } from './session-blocks-create.ts';
import { sessionBlocksDelete } from './session-blocks-delete.ts';
import { sessionsClose } from './sessions-close.ts';
import { sessionsCreate } from './sessions-create.ts';
import { sessionsGet } from './sessions-get.ts';
import { sessionsList } from './sessions-list.ts';
import { sessionsUpdate } from './sessions-update.ts';
import { virtualNumbersImport } from './virtual-numbers-import.ts';
import { virtualNumbersList } from './virtual-numbers-list.ts';
import { virtualNumbersUpdate } from './virtual-numbers-update.ts';
import { webhookDeliveriesList } from './webhook-deliveries-list.ts';
import { webhookReplaysCreate } from './webhook-replays-create.ts';
import { webhooksCreate } from './webhooks-create.ts';
import { webhooksList } from './webhooks-list.ts';
import { webhooksUpdate } from './webhooks-update.ts';

/** The public API, whole. */
export const OPERATIONS: readonly Operation[] = [
  poolsCreate,
  poolsList,
  poolsGet,
  poolsUpdate,
  virtualNumbersImport,
  virtualNumbersList,
  virtualNumbersUpdate,
  purchaseApprovalsCreate,
  purchaseApprovalsList,
  purchaseApprovalsApprove,
  purchaseApprovalsDecline,
  sessionsCreate,
  sessionsList,
  sessionsGet,
  sessionsUpdate,
  sessionsClose,
  callIntentsCreate,
  pinsCreate,
  sessionBlocksCreate,
  sessionBlocksDelete,
  blocksCreate,
  blocksList,
  blocksDelete,
  routeDecisionsCreate,
  callsList,
  callsGet,
  messagesList,
  holdersList,
  revealsCreate,
  webhooksCreate,
  webhooksList,
  webhooksUpdate,
  webhookDeliveriesList,
  webhookReplaysCreate,
];
