import { restoreSettings } from './settings.js'

/** Where a saved prompt takes in what is written already: such a preset is a style. */
export const SLOT = '{prompt}'

/** The settings that are pictures. */
const PICTURES = ['edit', 'control', 'references']

function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Makes a usable library of whatever the browser stored. */
export function restoreLibrary(stored) {
  if (!isRecord(stored)) return { presets: [], lists: {} }
  const presets = Array.isArray(stored.presets) ? stored.presets.filter((preset) => typeof preset?.name === 'string') : []
  const lists = isRecord(stored.lists) ? Object.entries(stored.lists).filter(([, entries]) => Array.isArray(entries)) : []
  return {
    presets: presets.map(({ name, settings }) => ({ name, settings: restoreSettings(settings) })),
    lists: Object.fromEntries(lists.map(([name, entries]) => [name, entries.map(String)])),
  }
}

/** A library with a preset more; one of the same name is replaced in its place. */
export function withPreset(library, name, settings) {
  const isKnown = library.presets.some((preset) => preset.name === name)
  const replaced = library.presets.map((preset) => (preset.name === name ? { name, settings } : preset))
  return { ...library, presets: isKnown ? replaced : [...replaced, { name, settings }] }
}

export function withoutPreset(library, name) {
  return { ...library, presets: library.presets.filter((preset) => preset.name !== name) }
}

/** A library with a list of this name; an empty list is none. */
export function withList(library, name, entries) {
  const others = Object.entries(library.lists).filter(([other]) => other !== name)
  return { ...library, lists: entries.length > 0 ? { ...library.lists, [name]: entries } : Object.fromEntries(others) }
}

/**
 * The settings that a preset makes of the present ones.
 *
 * A preset without a prompt leaves the written one alone; one with `{prompt}` wraps it.
 */
export function applyPreset(preset, prompt) {
  const saved = preset.settings.prompt
  const wrapped = saved.includes(SLOT) ? saved.replaceAll(SLOT, () => prompt) : saved
  // Pictures are none of a preset's settings: the server keeps them for a while only.
  const settings = Object.entries(preset.settings).filter(([name]) => !PICTURES.includes(name))
  return { ...Object.fromEntries(settings), prompt: wrapped || prompt }
}

/** A name that `__name__` can stand for: letters, digits and hyphens. */
export function toListName(text) {
  return text.trim().replace(/[^\p{L}\p{N}-]+/gu, '-')
}
