// Preloaded into the server under test. Answers the harness: processor time so far, memory after a full collection, store calls.
const ANSWERS = { time, memory, calls: () => globalThis.benchStoreCalls?.() ?? null }
/** What closed connections leave is gone after this, in ms. */
const SETTLES_WITHIN = 300

process.on('message', async question => process.send({ answer: await ANSWERS[question]() }))
process.on('disconnect', () => process.exit()) // no server outlives who measures it
process.channel?.unref()

/** Processor time of this process, all threads, in µs. */
function time () {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function memory () {
  await new Promise(resolve => setTimeout(resolve, SETTLES_WITHIN))
  for (let i = 0; i < 3; i += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  // Typed arrays are beside the heap.
  return { held: heapUsed + external, records: globalThis.benchRecords?.() ?? null }
}
