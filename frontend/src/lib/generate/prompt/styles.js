import { SLOT } from '../library.js'

/** Ready-made styles by name: what is written takes the place of the slot. */
const STYLES = {
  photo: { en: '{prompt}, photograph, soft daylight, shallow depth of field, natural colours', zh: '{prompt}，照片，柔和的日光，浅景深，自然的色彩' },
  watercolour: { en: '{prompt}, watercolour on rough paper, loose washes, white left around the edges', zh: '{prompt}，粗纹纸上的水彩，随意的晕染，四周留白' },
  ink: { en: '{prompt}, Chinese ink painting, few brush strokes, much empty space', zh: '{prompt}，水墨画，寥寥数笔，大片留白' },
  comic: { en: '{prompt}, clear black outlines, flat colours, simple background', zh: '{prompt}，清晰的黑色轮廓线，平涂色块，简单的背景' },
  clay: { en: '{prompt}, small figure of modelling clay, fingerprints visible, studio light', zh: '{prompt}，黏土捏成的小像，看得见指纹，影棚灯光' },
  pixels: { en: '{prompt}, pixel art, sixteen colours, hard edges', zh: '{prompt}，像素画，十六色，硬边缘' },
  papercut: { en: '{prompt}, layers of cut paper, soft shadows between them', zh: '{prompt}，层层剪纸，层间有柔和的阴影' },
  night: { en: '{prompt}, film still at night, wet street, neon light, grain', zh: '{prompt}，夜景电影画面，湿漉漉的街道，霓虹灯，胶片颗粒' },
}

export const STYLE_NAMES = Object.keys(STYLES)

const parts = Object.values(STYLES).flatMap((style) => Object.values(style).map((text) => text.split(SLOT)))

/** A prompt without the ready-made style that is around it. */
function unstyled(prompt) {
  const found = parts.find(([before, after]) => prompt.startsWith(before) && prompt.endsWith(after))
  return found ? prompt.slice(found[0].length, prompt.length - found[1].length) : prompt
}

/** Whether a prompt has this style, in whatever language. */
export function hasStyle(prompt, name) {
  return Object.values(STYLES[name]).some((text) => {
    const [before, after] = text.split(SLOT)
    return prompt.trim().startsWith(before) && prompt.trim().endsWith(after)
  })
}

/** A prompt in a style, in the language that it is written in, instead of the style that it has; without it where it has that one. */
export function withStyle(prompt, name) {
  const words = unstyled(prompt.trim())
  if (hasStyle(prompt, name)) return words
  const language = /\p{Script=Han}/u.test(words) ? 'zh' : 'en'
  return STYLES[name][language].replace(SLOT, () => words)
}
