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
const BEGIN = 'import sys; from pathlib import Path; nano, folder = map(Path, sys.argv[1:])'
/** What makes models: the same that the tests of Python do with theirs. */
const MAKERS = {
  omni: 'from tests.zimage.omni_folder import make_omni; make_omni(nano, folder / "tiny-omni")',
  control: 'from tests.backend.services.library.weight_files import save_control; save_control(nano, folder / "model_patches/union.safetensors")',
}

export const OMNI = 'tiny-omni'

/** A server with a small model beside the embedded one, `omni` or a `control`: random weights, in the published shapes. */
export async function withMade(kind, play) {
  const folder = await mkdtemp(path.join(tmpdir(), 'zimage-made-'))
  const places = [ROOT, path.join(ROOT, 'Z-Image', 'src')].join(path.delimiter)
  const env = { ...process.env, PYTHONPATH: places, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1' }
  const python = process.env.ZIMAGE_PYTHON || defaultPython()
  let server
  try {
    await promisify(execFile)(python, ['-c', `${BEGIN}; ${MAKERS[kind]}`, NANO, folder], { cwd: ROOT, env })
    server = await Server.create({ ZIMAGE_MODELS_DIR: folder })
    await play(server)
  } finally {
    await server?.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}
