const SESSION_PLUGIN = '@fastify/session'
const THIS_PLUGIN = 'fastify-le-auth'

/**
 * Counts the registrations of @fastify/session that this plugin did not make itself. A plugin sees what its
 * own scope and the scopes above have registered; only this text shows the others.
 *
 * @param tree what `app.printPlugins()` prints
 */
export function foreignSessionPlugins (tree: string): number {
  const path: string[] = []
  let count = 0
  for (const line of tree.split('\n')) {
    const [, branch, name] = /^([│├└─┬ ]+)(\S+)/.exec(line) ?? []
    // A plugin without a name is printed as its source, over several lines.
    if (branch === undefined || name === undefined) continue
    if (name === SESSION_PLUGIN && path[branch.length - 2] !== THIS_PLUGIN) count += 1
    path[branch.length] = name
  }
  return count
}
