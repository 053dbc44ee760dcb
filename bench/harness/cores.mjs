import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Whether a command is installed. */
export function has (command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** The server has a core for itself where there are two; load, identity service and harness share the other. */
export const pinned = availableParallelism() > 1 && has('taskset')
export const SERVER_CORE = '0'
export const LOAD_CORE = '1'

/** A command line that runs on a core. */
export function onCore (core, command, args) {
  return pinned ? ['taskset', ['-c', core, command, ...args]] : [command, args]
}

/** Moves this process, all of its threads, to a core. */
export function moveSelf (core) {
  if (pinned) spawnSync('taskset', ['-acp', core, String(process.pid)])
}
