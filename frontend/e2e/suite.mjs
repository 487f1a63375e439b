import { after, afterEach, before, describe } from 'node:test'

import { executable, Stage } from './stage.mjs'

/** Runs flows one after the other on a stage of their own; suites run beside each other. */
export function suite(name, flows) {
  describe(name, { skip: executable ? false : 'no Chromium found', timeout: 1_200_000 }, () => {
    const stage = new Stage()
    before(() => stage.rise())
    afterEach(() => stage.clear())
    after(() => stage.fall())
    for (const flow of flows) flow(stage)
  })
}
