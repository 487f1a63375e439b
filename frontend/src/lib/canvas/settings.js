export const MODES = ['mask', 'sketch', 'outpaint']

/** The tools of each mode, in the order of their buttons, and the keys that take them up. */
export const TOOLS = {
  mask: ['brush', 'eraser', 'lasso', 'rectangle', 'pan'],
  sketch: ['brush', 'eraser', 'lasso', 'rectangle', 'picker', 'pan'],
  outpaint: ['pan'],
}
export const TOOL_KEYS = { brush: 'b', eraser: 'e', lasso: 'l', rectangle: 'r', picker: 'i', pan: 'h' }
export const MODE_KEYS = { mask: 'm', sketch: 's', outpaint: 'o' }

export const MASK_MODES = ['whole', 'only_masked']
export const MOST_FEATHER = 256
export const LEAST_SIZE = 1
const SIZE_STEP = 1.2
const HARDNESS_STEP = 0.1

/** `painter` is the tool to paint with again after the picture was moved or extended; `pen` whether there was one here. */
export const DEFAULT_SETTINGS = {
  mode: 'mask',
  tool: 'brush',
  painter: 'brush',
  size: 48,
  hardness: 1,
  strength: 1,
  maskColour: '#ff2d6f',
  maskOpacity: 0.55,
  colour: '#e8b33c',
  pressure: true,
  fingers: true,
  pen: false,
}

const HEX = /^#[0-9a-f]{6}$/
const READERS = {
  mode: (mode) => MODES.includes(mode),
  size: (size) => Number.isFinite(size) && size >= LEAST_SIZE && size <= 4096,
  hardness: (share) => share >= 0 && share <= 1,
  strength: (share) => share >= 0.05 && share <= 1,
  maskColour: (hex) => HEX.test(hex),
  maskOpacity: (share) => share >= 0.1 && share <= 1,
  colour: (hex) => HEX.test(hex),
  pressure: (is) => typeof is === 'boolean',
  fingers: (is) => typeof is === 'boolean',
  pen: (is) => typeof is === 'boolean',
  painter: (tool) => Object.values(TOOLS).flat().includes(tool),
}

/** The tool that a mode has in the place of this one. */
export function toolIn(mode, tool) {
  return TOOLS[mode].includes(tool) ? tool : TOOLS[mode][0]
}

/** The settings after some were changed: a mode that is come to has a tool of its own, and none that takes away. */
export function changeSettings(now, patch) {
  const next = { ...now, ...patch }
  const painter = now.painter === 'eraser' ? 'brush' : now.painter
  const wanted = next.mode === now.mode ? next.tool : (patch.tool ?? painter)
  const tool = toolIn(next.mode, wanted)
  return { ...next, tool, painter: next.mode === 'outpaint' ? now.painter : tool }
}

/** Usable settings out of whatever was stored. */
export function restoreSettings(stored) {
  const known = Object.entries(READERS).filter(([name, isGood]) => isGood(stored?.[name]))
  const settings = { ...DEFAULT_SETTINGS, ...Object.fromEntries(known.map(([name]) => [name, stored[name]])) }
  return { ...settings, tool: toolIn(settings.mode, stored?.tool ?? DEFAULT_SETTINGS.tool) }
}

/** The widest brush for a picture: half its longer side. */
export function mostSize({ width, height }) {
  return Math.max(64, Math.round(Math.max(width, height) / 2))
}

/** A brush that is neither lost on a large picture nor wider than a small one. */
export function fittedSize(size, { width, height }) {
  const least = Math.round(Math.max(width, height) / 80)
  return Math.min(mostSize({ width, height }), Math.max(size, least))
}

/** By how many pixels a mask is grown or shrunk at a time. */
export function reshapeStep({ width, height }) {
  return Math.max(1, Math.round(Math.max(width, height) / 256))
}

/** How much around a sketch is masked with it, in pixels: what is drawn needs room to blend in. */
export function sketchMargin({ width, height }) {
  return Math.max(8, Math.round(Math.max(width, height) / 64))
}

/** The next brush size up (1) or down (-1), a pixel at least. */
export function stepSize(size, direction, most) {
  const next = direction > 0 ? Math.max(size + 1, Math.round(size * SIZE_STEP)) : Math.min(size - 1, Math.round(size / SIZE_STEP))
  return Math.min(most, Math.max(LEAST_SIZE, next))
}

export function stepHardness(hardness, direction) {
  return Math.min(1, Math.max(0, Math.round((hardness + direction * HARDNESS_STEP) * 10) / 10))
}

/** Sizes on a slider of 0 to 100: small ones need more of its way. */
export function sizeAt(position, most) {
  return Math.round(LEAST_SIZE * (most / LEAST_SIZE) ** (position / 100))
}

export function positionOf(size, most) {
  return Math.round((100 * Math.log(size / LEAST_SIZE)) / Math.log(most / LEAST_SIZE))
}
