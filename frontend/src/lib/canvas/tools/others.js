/** A tool that leaves the pixels as they are. */
class Still {
  isPending = false
  constructor(session) {
    this.session = session
  }
  down() {}
  move() {}
  hover() {}
  steer() {}
  up() {}
  press() {}
  release() {}
  confirm() {}
  cancel() {}
}

/** Pushes the picture about: the gestures do it. */
export class Pan extends Still {}

/** Takes the colour of what is under it. */
export class Picker extends Still {
  down(point) {
    this.session.pick(point)
  }

  move(points) {
    this.session.pick(points.at(-1))
  }

  press(point) {
    this.session.pick(point)
  }

  confirm(point) {
    this.session.pick(point)
  }
}
