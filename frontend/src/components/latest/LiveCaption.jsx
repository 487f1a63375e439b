import { usePictureToBe } from '../../hooks/tasks/usePictureToBe.js'

/**
 * What stands below the preview: the prompt and settings of the task that it is of. `Actions` and `Details` take
 * the room that they will have for the finished picture: nothing jumps when it comes.
 */
export default function LiveCaption({ task, actions, Actions, Details }) {
  const image = usePictureToBe(task)
  return (
    <>
      <div className="latest-caption">
        <p className="prompt-text">{image.prompt}</p>
        <div className="latest-soon" inert>
          <Actions image={image} actions={actions} />
        </div>
      </div>
      <Details image={image} />
    </>
  )
}
