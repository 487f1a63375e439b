import { after, afterEach, before, describe } from 'node:test'

import { access } from './flows/access.mjs'
import { cards } from './flows/cards.mjs'
import { contrast } from './flows/contrast.mjs'
import { elsewhere } from './flows/elsewhere.mjs'
import { form } from './flows/form.mjs'
import { gallery } from './flows/gallery.mjs'
import { layout } from './flows/layout.mjs'
import { login } from './flows/login.mjs'
import { mainJob } from './flows/main-job.mjs'
import { models } from './flows/models.mjs'
import { preferences } from './flows/preferences.mjs'
import { pressing } from './flows/pressing.mjs'
import { subPath } from './flows/subPath.mjs'
import { viewer } from './flows/viewer.mjs'
import { weather } from './flows/weather.mjs'
import { executable, Stage } from './stage.mjs'

describe('Z-Image in a browser', { skip: executable ? false : 'no Chromium found', timeout: 1_200_000 }, () => {
  const stage = new Stage()
  before(() => stage.rise())
  afterEach(() => stage.clear())
  after(() => stage.fall())

  const flows = [
    mainJob, form, gallery, viewer, cards, elsewhere, layout, preferences, access, contrast, models, login, subPath, pressing, weather,
  ]
  for (const flow of flows) flow(stage)
})
