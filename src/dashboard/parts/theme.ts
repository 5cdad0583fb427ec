import { signal } from '@preact/signals'

export const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

const kept = localStorage.getItem('millrace-theme')
export const theme = signal<Theme>(themes.find((one) => one === kept) ?? 'system')
show()

export function setTheme(chosen: Theme): void {
  theme.value = chosen
  localStorage.setItem('millrace-theme', chosen)
  show()
}

function show(): void {
  const { dataset } = document.documentElement
  if (theme.peek() === 'system') delete dataset['theme']
  else dataset['theme'] = theme.peek()
}
