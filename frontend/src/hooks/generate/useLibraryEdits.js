import { useTranslation } from 'react-i18next'

import { useToast } from '../ui/useToast.js'

/** Changes of a library (see useLibrary) that say what has gone, and offer to bring it back. */
export function useLibraryEdits({ presets, lists, savePreset, dropPreset, saveList }) {
  const { t } = useTranslation()
  const toast = useToast()
  const tell = (key, name, undo) => toast({ text: t(key, { name }), undo })
  return {
    savePreset: (name, settings) => {
      const before = presets.find((preset) => preset.name === name)
      savePreset(name, settings)
      if (before) tell('library.replaced', name, () => savePreset(name, before.settings))
    },
    dropPreset: ({ name, settings }) => {
      dropPreset(name)
      tell('library.deleted', name, () => savePreset(name, settings))
    },
    saveList: (name, entries) => {
      const before = Object.hasOwn(lists, name) && lists[name]
      saveList(name, entries)
      if (before) tell('library.replaced', name, () => saveList(name, before))
    },
    dropList: (name) => {
      saveList(name, [])
      tell('library.deleted', name, () => saveList(name, lists[name]))
    },
  }
}
