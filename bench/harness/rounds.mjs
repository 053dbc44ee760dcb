/**
 * Every contestant once in each round, the order turned round each time.
 * @param once takes one sample; where it fails the round has an `error` instead, for one lost sample must not lose the run
 */
export async function inRounds (rounds, contestants, once, log) {
  const results = Object.fromEntries(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      results[contestant.name].push(await once(contestant).catch(failed))
    }
  }
  return results

  function failed (error) {
    log(`no sample: ${error.message}`)
    return { error: error.message }
  }
}
