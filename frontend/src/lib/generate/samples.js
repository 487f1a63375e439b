/** Below this the next pictures may not find room. */
const LOW_DISK_GB = 5

/** Share of the GPU's memory in use, in percent; null where the machine does not tell. */
export function vramPercent(gpu) {
  if (!(gpu?.memory_total_gb > 0) || typeof gpu.memory_used_gb !== 'number') return null
  return (100 * gpu.memory_used_gb) / gpu.memory_total_gb
}

/** What a chart keeps of a system status: percentages by meter. */
export function toSample({ cpu, memory, gpu, disk }) {
  return {
    cpu: cpu.usage_percent,
    memory: memory.usage_percent,
    gpu: gpu?.usage_percent ?? null,
    vram: vramPercent(gpu),
    disk: disk.usage_percent,
  }
}

/** True when the disk needs attention. */
export function isDiskLow(disk) {
  return disk.free_gb < LOW_DISK_GB
}
