import { vi } from 'vitest'

/** A context that draws nothing: what is asked of it is a function, or what was set. */
function fakeContext(canvas) {
  const own = {
    canvas,
    createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    getImageData: (x, y, width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    measureText: () => ({ width: 0 }),
  }
  return new Proxy(own, { get: (target, name) => target[name] ?? (() => {}), set: (target, name, value) => Reflect.set(target, name, value) })
}

class FakePointerEvent extends MouseEvent {
  constructor(type, { pointerId = 1, pointerType = 'mouse', pressure = 0.5, ...init } = {}) {
    super(type, init)
    Object.assign(this, { pointerId, pointerType, pressure })
  }
}

/** What jsdom lacks for a canvas on a stage of `width` × `height` pixels. */
export function stubCanvas({ width, height }) {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockImplementation(function getContext() {
    return fakeContext(this)
  })
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(width)
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(height)
  vi.stubGlobal('PointerEvent', FakePointerEvent)
  Element.prototype.setPointerCapture ??= () => {}
}
