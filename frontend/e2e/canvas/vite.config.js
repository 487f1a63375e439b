import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The page of the canvas alone: built like the studio, without what makes that one an app. */
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { target: 'es2022', assetsInlineLimit: 0 },
})
