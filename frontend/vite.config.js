import process from 'node:process'

import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

import { serviceWorker } from './pwa/plugin.js'
import { stylesAfterHead } from './pwa/styles.js'

const apiPort = process.env.ZIMAGE_PORT ?? '15000'
const webPort = Number(process.env.ZIMAGE_WEB_PORT ?? '15001')
const target = `http://127.0.0.1:${apiPort}`
const proxy = Object.fromEntries(['/api', '/health', '/docs', '/openapi.json', '/v1', '/sdapi', '/mcp', '/ollama'].map((path) => [path, { target }]))

/** Libraries change more rarely than the app: their own files stay in the browser's cache. */
function vendorChunk(id) {
  if (!id.includes('node_modules')) return undefined
  if (/node_modules\/(react|react-dom|scheduler)\//.test(id)) return 'react'
  if (/node_modules\/(i18next|react-i18next|axios|@tanstack\/(react-query|query-core))\//.test(id)) return 'data'
  return undefined
}

/** Tests of what needs no browser, not even a simulated one. */
const PURE = ['src/{lib,test}/**/!(afterPaint|clipboard).test.js']

export default defineConfig({
  // Addresses relative to the page, which may stand under any sub-path of a site.
  base: './',
  plugins: [react(), stylesAfterHead(), serviceWorker()],
  server: { host: '127.0.0.1', port: webPort, strictPort: true, proxy },
  preview: { host: '127.0.0.1', port: webPort, strictPort: true, proxy },
  build: {
    target: 'es2022',
    // A picture or font inlined as data: would need a wider content security policy.
    assetsInlineLimit: 0,
    rollupOptions: { output: { manualChunks: vendorChunk } },
  },
  test: {
    restoreMocks: true,
    // A loaded machine is no failure.
    testTimeout: 30_000,
    css: false,
    projects: [
      { extends: true, test: { name: 'pure', environment: 'node', include: PURE } },
      {
        extends: true,
        test: {
          name: 'browser',
          environment: 'jsdom',
          setupFiles: './src/test/setup.js',
          include: ['src/**/*.test.{js,jsx}'],
          exclude: PURE,
        },
      },
    ],
  },
})
