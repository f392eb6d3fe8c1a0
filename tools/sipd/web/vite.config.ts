import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// Two pages, every file of theirs from the same origin: no data: URLs, no inline scripts, nothing that a strict
// Content-Security-Policy would refuse. `npm run dev` serves the page and hands /api to a running talky-sipd.
export default defineConfig({
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rollupOptions: {
      input: { index: resolve(__dirname, 'index.html'), calls: resolve(__dirname, 'calls.html') },
    },
  },
  worker: { format: 'es' },
  server: {
    port: 5173,
    proxy: { '/api': { target: process.env['TALKY_HTTP'] ?? 'http://127.0.0.1:8000', ws: true, changeOrigin: false } },
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
