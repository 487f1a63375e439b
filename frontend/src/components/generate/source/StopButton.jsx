import Button from 'react-bootstrap/Button'
import { useTranslation } from 'react-i18next'

/** Gives up the picture that is on its way. It goes with it: the way to choose one has the focus then. */
export default function StopButton({ onStop }) {
  const { t } = useTranslation()
  const stop = ({ currentTarget }) => {
    currentTarget.closest('[data-takes]').querySelector('button').focus()
    onStop()
  }
  return (
    <Button variant="link" size="sm" onClick={stop}>
      {t('edit.stop')}
    </Button>
  )
}
