/**
 * A store that counts its calls. It calls back later and keeps text, as a store on the network
 * does, so no contestant can save a call by keeping a reference to an object.
 */
export function countedStore() {
  const records = new Map()
  const calls = { get: 0, set: 0, destroy: 0 }
  globalThis.benchStoreCalls = () => ({ ...calls })
  globalThis.benchRecords = () => records.size

  function callBackLater(call, callback, work) {
    calls[call] += 1
    setImmediate(() => callback(null, work()))
  }

  return {
    get: (id, callback) =>
      callBackLater('get', callback, () => (records.has(id) ? JSON.parse(records.get(id)) : null)),
    set: (id, record, callback) => {
      const text = JSON.stringify(record)
      callBackLater('set', callback, () => {
        records.set(id, text)
      })
    },
    destroy: (id, callback) =>
      callBackLater('destroy', callback, () => {
        records.delete(id)
      })
  }
}
