// An alert as a message for an incoming webhook of Slack: text for notifications, blocks for the channel.
import type { AlertEnded, AlertRaised } from '../model/alerts.ts'
import type { EventBody, Sent } from './deliver-event.ts'

const headers = { 'content-type': 'application/json; charset=utf-8' }
/** Slack takes texts of a block up to 3,000 characters. */
const textMax = 2_500

export function alertInSlack({ message: { type, data }, app }: Sent): EventBody {
  const { title, lines } =
    type === 'alert.raised' || type === 'alert.ended'
      ? told(data as AlertRaised | AlertEnded)
      : { title: 'a test of its alerts', lines: [] }
  const text = escaped(`${app}: ${title}`)
  const blocks = [section(`*${text}*`), ...lines.map(section)]
  return { headers, body: JSON.stringify({ text, blocks }) }
}

const ends = { well: 'well again', quiet: 'quiet now', 'not watched': 'no longer watched' }

function told(data: AlertRaised | AlertEnded) {
  const { what, works, command, url, since } = data
  if ('end' in data) {
    const lasted = `Since ${date(since)}, until ${date(data.endedAt)}.`
    return { title: `${ends[data.end]}: ${what}`, lines: [lasted] }
  }
  const link = url === null ? '' : ` <${url}|Open>`
  const more = `\`${escaped(command)}\`${link}`
  return { title: what, lines: [`Since ${date(since)}. ${escaped(works)}`, more] }
}

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, textMax) } })

const date = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** The three signs that Slack reads as its own. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
