import { canvas } from './flows/canvas.mjs'
import { editing } from './flows/editing.mjs'
import { escape } from './flows/escape.mjs'
import { form } from './flows/form.mjs'
import { layout } from './flows/layout.mjs'
import { loras } from './flows/loras.mjs'
import { mainJob } from './flows/main-job.mjs'
import { preferences } from './flows/preferences.mjs'
import { pressing } from './flows/pressing.mjs'
import { weather } from './flows/weather.mjs'
import { queue } from './flows/queue.mjs'
import { suite } from './suite.mjs'

suite('Making pictures in a browser', [mainJob, form, layout, preferences, pressing, escape, queue, weather, canvas, editing, loras])
