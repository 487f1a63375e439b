import { access } from './flows/access.mjs'
import { cards } from './flows/cards.mjs'
import { cluster } from './flows/cluster.mjs'
import { contrast } from './flows/contrast.mjs'
import { elsewhere } from './flows/elsewhere.mjs'
import { gallery } from './flows/gallery.mjs'
import { login } from './flows/login.mjs'
import { models } from './flows/models.mjs'
import { subPath } from './flows/subPath.mjs'
import { viewer } from './flows/viewer.mjs'
import { suite } from './suite.mjs'

suite('Finding one’s way in a browser', [gallery, viewer, cards, elsewhere, access, contrast, models, login, subPath, cluster])
