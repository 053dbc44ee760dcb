/**
 * A store that counts its calls. It answers later and keeps text, as one over the network does, so that
 * nobody gets by without a call because an object was still there.
 */
export function countedStore () {
  const records = new Map()
  const calls = { get: 0, set: 0, destroy: 0 }
  globalThis.benchStoreCalls = () => ({ ...calls })
  globalThis.benchRecords = () => records.size

  function answerLater (call, callback, work) {
    calls[call] += 1
    setImmediate(() => callback(null, work()))
  }

  return {
    get: (id, callback) => answerLater('get', callback, () => records.has(id) ? JSON.parse(records.get(id)) : null),
    set: (id, record, callback) => {
      const text = JSON.stringify(record)
      answerLater('set', callback, () => { records.set(id, text) })
    },
    destroy: (id, callback) => answerLater('destroy', callback, () => { records.delete(id) })
  }
}
