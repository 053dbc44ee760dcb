// Preloaded into the server under test. Sends the harness a figure: the processor time so far, the
// memory after a full garbage collection, or the number of store calls.
const FIGURES = { time, memory, calls: () => globalThis.benchStoreCalls?.() ?? null }
/** By then, closed connections have released their memory; in ms. */
const SETTLE_TIME = 300

process.on('message', async name => process.send({ figure: await FIGURES[name]() }))
process.on('disconnect', () => process.exit()) // a server must not outlive the harness
process.channel?.unref()

/** Processor time of this process, all threads, in µs. */
function time() {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function memory() {
  await new Promise(resolve => setTimeout(resolve, SETTLE_TIME))
  for (let i = 0; i < 3; i += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  // Typed arrays are outside the heap.
  return { held: heapUsed + external, records: globalThis.benchRecords?.() ?? null }
}
