import assert from 'node:assert/strict'
import test from 'node:test'
import { isPublic } from './addresses.ts'

const publicOnes = [
  '93.184.216.34',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00:1450:4001:81b::200e',
]
const others = [
  ['this machine', ['127.0.0.1', '127.255.255.254', '0.0.0.0', '::1', '::']],
  [
    'its network',
    ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd00::1', 'fc00::1', 'fec0::1'],
  ],
  [
    'its link, and what clouds tell of themselves',
    ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254'],
  ],
  [
    'IPv4 in the dress of IPv6',
    [
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:8.8.8.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '2002:7f00:1::1',
      '2001:0:7f00:1::',
    ],
  ],
  [
    'many at once, and nobody',
    [
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      'ff02::1',
      '192.0.2.1',
      '198.51.100.1',
      '203.0.113.9',
      '198.18.0.1',
      '2001:db8::1',
    ],
  ],
  ['no address', ['', 'localhost', '2130706433', '0x7f.1', '127.1', '0177.0.0.1', ' 8.8.8.8']],
] as const

test('addresses of the internet are public', () => {
  for (const address of publicOnes) assert(isPublic(address), address)
})

for (const [what, addresses] of others) {
  test(`not public: ${what}`, () => {
    for (const address of addresses) assert(!isPublic(address), address)
  })
}
