import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'

/** Keys as they are written on them; names in words are looked up. */
const ROWS = [
  ['generate', ['Ctrl+Enter']],
  ['modes', ['M', 'S', 'O']],
  ['tools', ['B', 'E', 'L', 'R', 'I', 'H']],
  ['size', ['[', ']']],
  ['hardness', ['{', '}']],
  ['wheelSize', ['Alt', 'wheel']],
  ['erase', ['Alt', 'Ctrl', 'rightButton']],
  ['straight', ['Shift', 'click']],
  ['undo', ['Ctrl+Z', 'Ctrl+Y']],
  ['zoom', ['+', '−', '0', '1']],
  ['pan', ['space', 'drag']],
  ['cursor', ['arrows', 'Shift', 'Alt']],
  ['paint', ['space']],
  ['pen', ['Enter']],
  ['invert', ['X']],
  ['clear', ['Delete']],
]
const WORDS = ['wheel', 'rightButton', 'click', 'space', 'drag', 'arrows']

/** What the keys do. */
export default function KeysHelp() {
  const { t } = useTranslation()
  const section = useRef(null)
  useEffect(() => {
    section.current.scrollIntoView({ block: 'start' }) // Answers a promise in new browsers, which is no clean-up.
  }, [])
  const nameOf = (key) => (WORDS.includes(key) ? t(`canvas.keys.${key}`) : key)
  return (
    <section className="canvas-keys" ref={section} aria-label={t('canvas.help')}>
      <h3>{t('canvas.help')}</h3>
      <dl>
        {ROWS.map(([what, keys]) => (
          <div key={what}>
            <dt>{t(`canvas.keys.${what}`)}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{nameOf(key)}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
