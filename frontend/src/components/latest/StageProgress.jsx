import { useTaskFacts } from '../../hooks/tasks/useTaskFacts.js'

/** How far the picture on the stage is, for those who look there. The queue says it to everyone else. */
export default function StageProgress({ task }) {
  const facts = useTaskFacts(task)
  return (
    <div className="stage-progress" aria-hidden="true">
      <span>{facts}</span>
      <div className="stage-bar" style={{ '--done': task.progress / 100 }} />
    </div>
  )
}
