import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const TRANSFORMER = fileURLToPath(new URL('../../Z-Image/ckpts/zimage-nano/transformer/', import.meta.url))
const ATTENTION = /attention\.(to_[qkv]|to_out\.0)\.weight$/
const LENGTH_BYTES = 8
const FLOAT_BYTES = 4
const RANK = 4

/** The header of a safetensors file: name to `{dtype, shape, data_offsets}`. */
function headerOf(file) {
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  return JSON.parse(bytes.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length))
}

/** Layers of the embedded model's attention with their shapes. */
function attentionLayers() {
  const files = readdirSync(TRANSFORMER).filter((name) => name.endsWith('.safetensors'))
  const entries = files.flatMap((name) => Object.entries(headerOf(path.join(TRANSFORMER, name))))
  return entries.filter(([name]) => ATTENTION.test(name)).map(([name, { shape }]) => [name.replace(/\.weight$/, ''), shape])
}

/** The same numbers between −1 and 1 for the same seed. */
function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function safetensors(tensors, metadata) {
  let at = 0
  const entries = tensors.map(([name, shape, values]) => {
    const from = at
    at += values.length * FLOAT_BYTES
    return [name, { dtype: 'F32', shape, data_offsets: [from, at] }]
  })
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const header = Buffer.from(text.padEnd(Math.ceil(Buffer.byteLength(text) / LENGTH_BYTES) * LENGTH_BYTES + text.length - Buffer.byteLength(text)))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, ...tensors.map(([, , values]) => Buffer.from(values.buffer))])
}

/**
 * A LoRA for the embedded model: random matrices beside all of its attention, the same for the same `seed`. `of` names
 * further layers, which it does not have.
 */
export function loraFile({ seed = 1, size = 0.12, metadata = {}, of = [] } = {}) {
  const random = randomOf(seed)
  const matrix = (rows, columns, scale) => [[rows, columns], Float32Array.from({ length: rows * columns }, () => random() * scale)]
  const layers = [...attentionLayers(), ...of.map((name) => [name, [256, 256]])]
  const tensors = layers.flatMap(([name, [rows, columns]]) => [
    [`transformer.${name}.lora_A.weight`, ...matrix(RANK, columns, size)],
    [`transformer.${name}.lora_B.weight`, ...matrix(rows, RANK, size)],
  ])
  return safetensors(tensors, metadata)
}

/** A picture in a LoRA's header. */
export function thumbnail(png) {
  return { 'modelspec.thumbnail': `data:image/png;base64,${png.toString('base64')}` }
}
