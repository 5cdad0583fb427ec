// Addresses that requests of others may be sent to. An address that is not public belongs to this machine, its network
// or its cloud: a URL that somebody gives must not lead there.
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Ranges that are not public, by the registries of special addresses of IANA (RFC 6890). */
const ranges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const

const special = new BlockList()
for (const range of ranges) {
  const [address, bits] = range.split('/') as [string, string]
  special.addSubnet(address, Number(bits), 'ipv4')
}

/** Addresses of IPv6 that lie in the public range and still lead elsewhere, or carry one of IPv4. */
const inside = new BlockList()
inside.addSubnet('2001::', 23, 'ipv6')
inside.addSubnet('2001:db8::', 32, 'ipv6')
inside.addSubnet('2002::', 16, 'ipv6')
inside.addSubnet('3fff::', 20, 'ipv6')

const unicast = new BlockList()
unicast.addSubnet('2000::', 3, 'ipv6')

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/** Tells whether an address is public; false for a text that is no address. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4')
  if (isIP(address) !== 6 || address.includes('%')) return false
  // An address of IPv4 in the dress of IPv6 is dialled as IPv4: none has to be reached so.
  if (mapped.check(address, 'ipv6')) return false
  return unicast.check(address, 'ipv6') && !inside.check(address, 'ipv6')
}
