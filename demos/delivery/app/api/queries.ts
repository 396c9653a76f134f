import { queryOptions } from '@tanstack/react-query';
import type {
  ActivityListView,
  AppView,
  CallRecordListView,
  HandsetView,
  OrderListView,
  ProfileView,
  StockView,
} from '../../server/api-types.ts';
import { path, request } from './request.ts';

/** Changes are told by the live stream; this only mends what a lost notice would leave behind. */
const SAFETY_NET_MS = 30_000;
/** The stock also changes without anything of ours happening: numbers rest, and are bought. */
const STOCK_INTERVAL_MS = 5_000;

export const ordersQuery = queryOptions({
  queryKey: ['orders'],
  queryFn: () => request<OrderListView>('GET', '/api/orders'),
  refetchInterval: SAFETY_NET_MS,
});

export const profilesQuery = queryOptions({
  queryKey: ['profiles'],
  queryFn: () => request<{ data: readonly ProfileView[] }>('GET', '/api/profiles'),
});

export const activityQuery = queryOptions({
  queryKey: ['activity'],
  queryFn: () => request<ActivityListView>('GET', '/api/activity'),
});

export const stockQuery = queryOptions({
  queryKey: ['stock'],
  queryFn: () => request<StockView>('GET', '/api/stock'),
  refetchInterval: STOCK_INTERVAL_MS,
});

export const callRecordsQuery = (orderId: string) =>
  queryOptions({
    queryKey: ['calls', orderId],
    queryFn: () => request<CallRecordListView>('GET', path`/api/orders/${orderId}/calls`),
  });

export const appQuery = (userId: string) =>
  queryOptions({
    queryKey: ['app', userId],
    queryFn: () => request<AppView>('GET', path`/api/profiles/${userId}/orders`),
    refetchInterval: SAFETY_NET_MS,
  });

export const phoneQuery = (userId: string) =>
  queryOptions({
    queryKey: ['phone', userId],
    queryFn: () => request<HandsetView>('GET', path`/api/phones/${userId}`),
    refetchInterval: SAFETY_NET_MS,
  });
