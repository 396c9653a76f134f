import type { Component } from '../operation.ts';
import { BlockComponent, SessionBlockComponent } from './block-component.ts';
import { CallComponent } from './call-component.ts';
import { CallIntentComponent } from './call-intents-create.ts';
import { HolderComponent, HoldersComponent, RevealComponent } from './holder-component.ts';
import { listOf } from './list.ts';
import { MessageComponent } from './message-component.ts';
import { PinComponent } from './pins-create.ts';
import { PoolComponent } from './pool-component.ts';
import { Problem } from './problem-component.ts';
import { PurchaseApprovalComponent } from './purchase-approval-component.ts';
import { RouteDecisionComponent } from './route-decision-component.ts';
import { SessionComponent } from './session-component.ts';
import { VirtualNumberComponent } from './virtual-number-component.ts';
import {
  DeliveryComponent,
  NewWebhookComponent,
  ReplayComponent,
  WebhookComponent,
} from './webhook-component.ts';

/** Everything that the API document shows by name. */
export const COMPONENTS: readonly Component[] = [
  PoolComponent,
  listOf(PoolComponent),
  VirtualNumberComponent,
  listOf(VirtualNumberComponent),
  PurchaseApprovalComponent,
  listOf(PurchaseApprovalComponent),
  SessionComponent,
  listOf(SessionComponent),
  CallIntentComponent,
  PinComponent,
  SessionBlockComponent,
  BlockComponent,
  listOf(BlockComponent),
  RouteDecisionComponent,
  CallComponent,
  listOf(CallComponent),
  MessageComponent,
  listOf(MessageComponent),
  HolderComponent,
  HoldersComponent,
  RevealComponent,
  WebhookComponent,
  listOf(WebhookComponent),
  NewWebhookComponent,
  DeliveryComponent,
  listOf(DeliveryComponent),
  ReplayComponent,
  Problem,
];
