/**
 * Takes one sample of every contestant in each round. Every second round has the reverse order.
 *
 * @param once takes one sample. If it fails, the result has an `error` instead and the run goes on.
 */
export async function inRounds(rounds, contestants, once, log) {
  const results = Object.fromEntries(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      results[contestant.name].push(await once(contestant).catch(failed))
    }
  }
  return results

  function failed(error) {
    log(`no sample: ${error.message}`)
    return { error: error.message }
  }
}
