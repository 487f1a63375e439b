import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { defaultPython, Server } from './server.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NANO = path.join(ROOT, 'Z-Image', 'ckpts', 'zimage-nano')
/** The same that the tests of the library draw with. */
const MAKE = 'import sys; from pathlib import Path; from tests.zimage.omni_folder import make_omni; make_omni(*map(Path, sys.argv[1:]))'

export const OMNI = 'tiny-omni'

/** A server with a small model of the Omni variant beside the embedded one: random weights, for no others are published. */
export async function withOmni(play) {
  const folder = await mkdtemp(path.join(tmpdir(), 'zimage-omni-'))
  const places = [ROOT, path.join(ROOT, 'Z-Image', 'src')].join(path.delimiter)
  const env = { ...process.env, PYTHONPATH: places, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1' }
  const python = process.env.ZIMAGE_PYTHON || defaultPython()
  let server
  try {
    await promisify(execFile)(python, ['-c', MAKE, NANO, path.join(folder, OMNI)], { cwd: ROOT, env })
    server = await Server.create({ ZIMAGE_MODELS_DIR: folder })
    await play(server)
  } finally {
    await server?.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}
