import type { PageAction, PageMessage } from '../lib/lab/web/protocol.js';

const token = new URLSearchParams(location.search).get('token') ?? '';

/** Returns the address of something at the lab. */
export function addressOf(path: string): string {
  return `${path}?token=${encodeURIComponent(token)}`;
}

/** The lab, from its page. */
export class Connection {
  /** @param onMessage gets the messages @param onState called when the lab is there, or not */
  constructor(onMessage: (message: PageMessage) => void, onState: (isThere: boolean) => void) {
    const source = new EventSource(addressOf('/events'));
    source.onmessage = ({ data }) => onMessage(JSON.parse(data) as PageMessage);
    source.onopen = () => onState(true);
    source.onerror = () => onState(false);
  }

  /** Asks the lab to do something. @returns the answer @throws {Error} with what the lab says */
  async act<T = unknown>(action: PageAction): Promise<T> {
    const response = await fetch(addressOf('/act'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    const answer = (await response.json()) as T & { error?: string };
    if (!response.ok) throw new Error(answer.error ?? response.statusText);
    return answer;
  }
}
