import Button from 'react-bootstrap/Button'

import Icon from './Icon.jsx'

/** A sentence that needs attention, with an optional action. `tone` is info, warning or danger. */
export default function Notice({ tone = 'info', role, title, action, onDismiss, dismissLabel, children }) {
  return (
    <div className={`notice notice-${tone}`} role={role}>
      <Icon name={tone === 'info' ? 'spark' : 'alert'} />
      <div className="notice-body">
        {title && <strong>{title}</strong>} {children}
      </div>
      {action && (
        <Button variant="outline-secondary" size="sm" onClick={action.onClick}>
          {action.label}
        </Button>
      )}
      {onDismiss && (
        <button type="button" className="icon-button" aria-label={dismissLabel} onClick={onDismiss}>
          <Icon name="close" size={16} />
        </button>
      )}
    </div>
  )
}
