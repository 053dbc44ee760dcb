import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Whether a command is installed. */
export function isInstalled(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** With two cores, the server has one; load, identity service and harness share the other. */
export const pinned = availableParallelism() > 1 && isInstalled('taskset')
export const SERVER_CORE = '0'
export const LOAD_CORE = '1'

/** The command line that runs a command on a core. */
export function onCore(core, command, args) {
  return pinned ? ['taskset', ['-c', core, command, ...args]] : [command, args]
}

/** Moves this process, with all its threads, to a core. */
export function moveThisProcess(core) {
  if (pinned) spawnSync('taskset', ['-acp', core, String(process.pid)])
}
