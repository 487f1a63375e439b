import js from '@eslint/js'
import jsxA11y from 'eslint-plugin-jsx-a11y'
import react from 'eslint-plugin-react'
import reactHooks from 'eslint-plugin-react-hooks'
import { defineConfig, globalIgnores } from 'eslint/config'
import globals from 'globals'

const axiosOnlyInServices = { name: 'axios', message: 'Only services/api.js talks HTTP.' }

/** Imports go one way: components → hooks → services → lib. */
function layers(groups) {
  return groups.map((group) => ({
    group: [`**/${group}/**`],
    message: `This layer must not import from ${group}/ (components → hooks → services → lib).`,
  }))
}

/** A room of components is its own folder and `ui/`; only what stands above the rooms combines them. */
function walls(depth) {
  const up = '\\.\\./'.repeat(depth)
  return {
    regex: `^${up}(?!\\.\\./|ui/)`,
    message: 'A room must not reach into another one, but for ui/: let the component above the rooms combine them.',
  }
}

function forbid(files, patterns, paths = [axiosOnlyInServices]) {
  return {
    files,
    ignores: ['src/**/*.test.{js,jsx}'],
    rules: { 'no-restricted-imports': ['error', { paths, patterns }] },
  }
}

export default defineConfig([
  globalIgnores(['dist', 'coverage', 'e2e/output']),
  {
    files: ['**/*.{js,jsx,mjs}'],
    extends: [js.configs.recommended, react.configs.flat.recommended, react.configs.flat['jsx-runtime']],
    languageOptions: {
      ecmaVersion: 2024,
      globals: globals.browser,
      parserOptions: { ecmaFeatures: { jsx: true }, sourceType: 'module' },
    },
    settings: { react: { version: '19.2' } },
    rules: {
      'react/prop-types': 'off',
      'no-console': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['src/**/*.{js,jsx}'], extends: [reactHooks.configs.flat.recommended, jsxA11y.flatConfigs.recommended] },
  forbid(['src/components/*', 'src/App.jsx'], layers(['services'])),
  forbid(['src/components/*/*'], [...layers(['services']), walls(1)]),
  forbid(['src/components/*/*/*'], [...layers(['services']), walls(2)]),
  forbid(['src/hooks/**'], layers(['components'])),
  forbid(['src/services/**'], layers(['components', 'hooks']), []),
  forbid(['src/lib/**', 'src/i18n/**'], layers(['components', 'hooks', 'services'])),
  {
    // src/test/setup.js gives every test its own `server`.
    files: ['src/**/*.test.{js,jsx}'],
    languageOptions: { globals: { server: 'readonly' } },
    rules: { 'no-console': 'off' },
  },
  { files: ['pwa/sw.js'], languageOptions: { globals: globals.serviceworker } },
  {
    files: ['e2e/**', '*.config.js', 'pwa/plugin.js', 'pwa/styles.js'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: { 'no-console': 'off' },
  },
])
