import { escapeChoices, expandPrompt, toLiteral } from '../expand.js'

/** A prompt as one of several choices: its last backslashes must not take the sign behind it out of the play. */
const asChoice = (prompt) => escapeChoices(prompt).replace(/\\+$/, (slashes) => slashes + slashes)

/** One text that stands for these prompts; null where none can be written for them. */
export function toChoices(prompts, lists = {}) {
  const text = prompts.length === 1 ? toLiteral(prompts[0]) : `{${prompts.map(asChoice).join('|')}}`
  const meant = expandPrompt(text, lists)
  return meant.length === prompts.length && meant.every((prompt, at) => prompt === prompts[at]) ? text : null
}
