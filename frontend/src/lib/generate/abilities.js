import { NO_CONTROLS } from './control.js'
import { NO_REFERENCES } from './references.js'

/** What a model draws from until somebody says otherwise: what all do but those of the Omni variant. */
const USUAL = ['text', 'image', 'mask', 'outpaint', 'upscale', 'control', 'loras']

/** Whether a model of the catalogue draws from this: `image`, `control`, `references` and the like. */
export function can(model, ability) {
  return (model?.can ?? USUAL).includes(ability)
}

/** The settings without what a model does not draw from: that stays in the form, and is neither shown nor sent. */
export function withinReach(settings, model) {
  return {
    ...settings,
    edit: can(model, 'image') ? settings.edit : null,
    control: can(model, 'control') ? settings.control : NO_CONTROLS,
    references: can(model, 'references') ? settings.references : NO_REFERENCES,
  }
}
