import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/global.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/Loader.css';
import '@mantine/core/styles/Button.css';
import '@mantine/core/styles/ActionIcon.css';
import '@mantine/core/styles/Input.css';
import './tokens.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from './api/query-client.ts';
import { HandsetDesk, HandsetDeskContext } from './handset/handset-desk.ts';
import { router } from './router.tsx';
import { theme } from './theme.ts';

/** Vite writes it and the server fills it in; Mantine's own styles carry it. */
function readNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={readNonce}>
        <QueryClientProvider client={createQueryClient()}>
          <HandsetDeskContext value={new HandsetDesk()}>
            <RouterProvider router={router} />
          </HandsetDeskContext>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
