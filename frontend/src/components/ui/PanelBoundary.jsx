import { useQueryClient } from '@tanstack/react-query'
import { Component } from 'react'
import { useTranslation } from 'react-i18next'

import { reloadPage, reopenPage } from '../../lib/reopen.js'
import Notice from './Notice.jsx'

/** A part of the page that could not be loaded: browsers remember that, and would not ask for it again. */
const LOST_FILE = /import|preload/i

function Crashed({ error, again, onRetry }) {
  const { t } = useTranslation()
  const queryClient = useQueryClient()
  const retry = () => {
    if (LOST_FILE.test(error?.message)) return reloadPage()
    if (again) return reopenPage()
    queryClient.resetQueries()
    return onRetry()
  }
  return (
    <div className="panel">
      <Notice tone="danger" action={{ label: t('common.retry'), onClick: retry }}>
        {t('panel.crashed')}
      </Notice>
    </div>
  )
}

/**
 * Keeps a failure inside one panel: the others go on.
 *
 * Another try asks the server anew. Where that fails as well, the next one opens the page anew, without its address's wishes.
 */
export default class PanelBoundary extends Component {
  state = { crashed: false, error: null, tried: false }

  static getDerivedStateFromError(error) {
    return { crashed: true, error }
  }

  render() {
    const { crashed, error, tried } = this.state
    const retry = () => this.setState({ crashed: false, error: null, tried: true })
    if (crashed) return <Crashed error={error} again={tried} onRetry={retry} />
    return this.props.children
  }
}
