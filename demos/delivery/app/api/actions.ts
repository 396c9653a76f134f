import type { OrderChangeView, PlacedOrderView } from '../../server/api-types.ts';
import { path, request } from './request.ts';

export interface DialAnswer {
  readonly callId: string;
  readonly state: string;
  /** the operator's announcement when the call was not put through */
  readonly heard: string | null;
}

export const placeOrder = (customerId: string) =>
  request<PlacedOrderView>('POST', '/api/orders', { customerId });

export const assignDriver = (orderId: string, driverId: string) =>
  request<OrderChangeView>('POST', path`/api/orders/${orderId}/assign`, { driverId });

export const completeOrder = (orderId: string) =>
  request<OrderChangeView>('POST', path`/api/orders/${orderId}/complete`);

export const cancelOrder = (orderId: string) =>
  request<OrderChangeView>('POST', path`/api/orders/${orderId}/cancel`);

export const dial = (userId: string, to: string) =>
  request<DialAnswer>('POST', path`/api/phones/${userId}/calls`, { to });

export const answerCall = (userId: string, callId: string) =>
  request<void>('POST', path`/api/phones/${userId}/calls/${callId}/answer`);

export const hangUpCall = (userId: string, callId: string) =>
  request<void>('POST', path`/api/phones/${userId}/calls/${callId}/hangup`);

export const sendMessage = (userId: string, to: string, body: string) =>
  request<{ messageId: string; state: string }>('POST', path`/api/phones/${userId}/messages`, { to, body });
