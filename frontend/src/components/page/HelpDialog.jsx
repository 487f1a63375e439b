import { Fragment } from 'react'
import Modal from 'react-bootstrap/Modal'
import { useTranslation } from 'react-i18next'

import { useHasKeyboard } from '../../hooks/input/useHasKeyboard.js'
import './HelpDialog.css'
import DialogHead from '../ui/DialogHead.jsx'
import ConnectPrograms from './ConnectPrograms.jsx'

const MOD = /Mac|iP(hone|ad)/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** Keys by where they work. A row is what it does and the keys that do it. */
const SHORTCUTS = [
  [
    'help.page',
    [
      ['help.generate', [`${MOD} Enter`]],
      ['help.cancel', ['Esc']],
      ['help.undo', [`${MOD} Z`]],
      ['help.prompt', ['/']],
      ['help.fold', ['O']],
      ['help.help', ['?']],
    ],
  ],
  [
    'help.inPrompt',
    [
      ['help.recall', ['↑', '↓']],
      ['help.takeBack', [`${MOD} Z`]],
      ['help.makeAgain', [`${MOD} Shift Z`]],
    ],
  ],
  [
    'help.inGallery',
    [
      ['help.move', ['↑', '↓', '←', '→']],
      ['help.open', ['Enter']],
      ['help.choose', ['Space', `${MOD} click`]],
      ['help.chooseRange', ['Shift Space', 'Shift click']],
      ['help.chooseAll', [`${MOD} A`]],
      ['help.chooseNone', ['Esc']],
      ['help.favourite', ['F']],
      ['help.delete', ['X', 'Delete']],
      ['help.useSettings', ['U']],
      ['help.useSeed', ['S']],
      ['help.edit', ['E']],
      ['help.download', ['D']],
      ['help.vary', ['V']],
      ['help.compare', ['C']],
    ],
  ],
  [
    'help.inLightbox',
    [
      ['help.turn', ['←', '→']],
      ['help.ends', ['Home', 'End']],
      ['help.favourite', ['F']],
      ['help.delete', ['X', 'Delete']],
      ['help.useSettings', ['U']],
      ['help.useSeed', ['S']],
      ['help.edit', ['E']],
      ['help.download', ['D']],
      ['help.vary', ['V']],
      ['help.compare', ['C']],
      ['help.info', ['I']],
      ['help.zoom', ['+', '−', '0']],
      ['help.close', ['Esc']],
    ],
  ],
]

function Keys({ keys }) {
  const { t } = useTranslation()
  return (
    <dd>
      {keys.map((combination) => (
        <span key={combination}>
          {combination.split(' ').map((key) => (
            <kbd key={key}>{key === 'click' ? t('help.click') : key}</kbd>
          ))}
        </span>
      ))}
    </dd>
  )
}

/** The shortcuts, and the few things that cannot be seen. */
export default function HelpDialog({ onClose }) {
  const { t } = useTranslation()
  const shortcuts = useHasKeyboard() ? SHORTCUTS : []
  return (
    <Modal show centered scrollable className="help" aria-labelledby="help-title" onHide={onClose}>
      <Modal.Body>
        <DialogHead id="help-title" onClose={onClose}>
          {t('help.title')}
        </DialogHead>
        {shortcuts.map(([place, rows]) => (
          <section key={place}>
            <h3>{t(place)}</h3>
            <dl>
              {rows.map(([what, keys]) => (
                <Fragment key={what}>
                  <dt>{t(what)}</dt>
                  <Keys keys={keys} />
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
        <h3>{t('help.prompts')}</h3>
        <p>{t('help.choices', { example: '{red|blue}' })}</p>
        <p>{t('help.braces', { example: '\\{red\\|blue\\}', json: '{"subject": "fox"}' })}</p>
        <p>{t('help.drop')}</p>
        {shortcuts.length > 0 && <p>{t('help.dragOut')}</p>}
        <ConnectPrograms />
      </Modal.Body>
    </Modal>
  )
}
