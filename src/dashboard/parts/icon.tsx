// The symbols of the page: lines on a grid of 20, in the colour of the text beside them.
const paths = {
  home: 'M3 9.5 10 3l7 6.5M5 8.5V17h10V8.5',
  desk: 'M3 8h14M4 8v8M16 8v8M7 8V4h6v4',
  inbox: 'M3 11l3-7h8l3 7v5H3zM3 11h4l1 2h4l1-2h4',
  audit: 'M5 3h10v14H5zM8 7h4M8 10h4M8 13h2',
  operations: 'M3 5h9M3 10h14M3 15h6M14 5h3M12 15h5',
  messages: 'M3 5h14v10H3zM3 6l7 5 7-5',
  flows: 'M4 5h5v4H4zM11 11h5v4h-5zM9 7h4v4M6.5 9v4H11',
  map: 'M4 4h4v4H4zM12 3h4v4h-4zM12 13h4v4h-4zM8 6h4M6 8v7h6',
  system: 'M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.01M6 13.5h.01',
  more: 'M4 10h.01M10 10h.01M16 10h.01',
  ok: 'M4 10.5 8 14.5 16 5.5',
  held: 'M6 9V6.5a4 4 0 0 1 8 0V9M5 9h10v8H5z',
  failing: 'M10 3 18 17H2zM10 8v4M10 14.5v.01',
  slow: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6v4l3 2',
  quiet: 'M6 10h8',
  lock: 'M6 9V6.5a4 4 0 0 1 8 0V9M5 9h10v8H5z',
  gone: 'M5 5l10 10M15 5 5 15',
  question: 'M7.5 7.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M10 14.5v.01',
  person: 'M10 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6M4 17c.6-3.2 3-5 6-5s5.4 1.8 6 5',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
