const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/

/**
 * Whether a hostname is this machine itself (RFC 8252 §8.3).
 * @param hostname in the form of `URL.hostname`: lower case, IPv6 in brackets, no port
 */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
