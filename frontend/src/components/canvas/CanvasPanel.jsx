import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

import { grows } from '../../lib/canvas/outpaint.js'
import Icon from '../ui/Icon.jsx'
import BrushFields from './fields/BrushFields.jsx'
import LayerActions from './fields/LayerActions.jsx'
import MaskFields from './fields/MaskFields.jsx'
import MaskFile from './fields/MaskFile.jsx'
import OutpaintFields from './fields/OutpaintFields.jsx'
import SketchFields from './fields/SketchFields.jsx'
import KeysHelp from './KeysHelp.jsx'

/** The settings of what is edited. */
export default function CanvasPanel({ doc, state, settings, options, rules, share, isHelping, file, act, say, change, setOptions }) {
  const { t } = useTranslation()
  const { mode } = settings
  return (
    <section className="canvas-panel" id="canvas-panel" aria-label={t('canvas.settings')}>
      {isHelping && <KeysHelp />}
      <p className="field-hint">{t(`canvas.modeHints.${mode}`)}</p>
      {mode === 'outpaint' ? (
        <OutpaintFields doc={doc} outpaint={state.outpaint} options={options} rules={rules} say={say} setOptions={setOptions} />
      ) : (
        <>
          <BrushFields settings={settings} size={doc.size} change={change} />
          <LayerActions mode={mode} size={doc.size} act={act} />
        </>
      )}
      <SketchFields mode={mode} state={state} act={act} />
      {mode === 'mask' && (
        <>
          <MaskFields settings={settings} options={options} share={share} isGrowing={grows(state.outpaint)} change={change} setOptions={setOptions} />
          <MaskFile file={file} size={doc.size} feather={options.feather} />
        </>
      )}
      <Button variant="outline-danger" size="sm" className="canvas-discard" onClick={act.discard}>
        <Icon name="trash" size={16} /> {t('canvas.discard')}
      </Button>
    </section>
  )
}
