import { Component } from 'react'
import { useTranslation } from 'react-i18next'

import Notice from './Notice.jsx'

function Crashed({ onRetry }) {
  const { t } = useTranslation()
  return (
    <div className="panel">
      <Notice tone="danger" action={{ label: t('common.retry'), onClick: onRetry }}>
        {t('panel.crashed')}
      </Notice>
    </div>
  )
}

/** Keeps a failure inside one panel: the others go on. */
export default class PanelBoundary extends Component {
  state = { crashed: false }

  static getDerivedStateFromError() {
    return { crashed: true }
  }

  render() {
    if (this.state.crashed) return <Crashed onRetry={() => this.setState({ crashed: false })} />
    return this.props.children
  }
}
