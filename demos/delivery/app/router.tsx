import { createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router';
import { BoardPage } from './board/board-page.tsx';
import { HandsetPage } from './handset/handset-page.tsx';
import { AppPage } from './order-app/app-page.tsx';

const rootRoute = createRootRoute({ component: Outlet });

const boardRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: BoardPage,
  validateSearch: (search: Record<string, unknown>): { order?: string } =>
    typeof search.order === 'string' ? { order: search.order } : {},
});

const customerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/customer/$userId',
  component: function CustomerPage() {
    return <AppPage userId={customerRoute.useParams().userId} app="customer" />;
  },
});

const driverRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/driver/$userId',
  component: function DriverPage() {
    return <AppPage userId={driverRoute.useParams().userId} app="driver" />;
  },
});

const phoneRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/phone/$userId',
  component: function PhonePage() {
    return <HandsetPage userId={phoneRoute.useParams().userId} />;
  },
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([boardRoute, customerRoute, driverRoute, phoneRoute]),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
