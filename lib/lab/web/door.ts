import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Actions } from './actions.js';
import type { Audience } from './audience.js';
import { pageFile } from './page-files.js';

const MAX_BODY = 256 * 1024;
const OTHER_ORIGIN = 'this page is for browsers of this machine only, at its own address';
const SCRIPT = 'text/javascript; charset=utf-8';
/** What no answer lets a browser do. The page has its own policy for scripts, by their hashes: web/build.mjs. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** A request that is refused. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Lets in who knows the token, from the page's own origin, by the page's own name. */
export class Door {
  port = 0;
  readonly #token: Buffer;

  constructor(
    token: string,
    readonly audience: Audience,
    readonly actions: Actions,
  ) {
    this.#token = digest(token);
  }

  /** Answers a request. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#check(request);
      await this.#route(request, response);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 400;
      if (response.headersSent) response.destroy();
      else send(response, status, 'application/json', JSON.stringify({ error: (error as Error).message }));
    }
  }

  /** @throws {Refusal} */
  #check({ headers, url = '/' }: IncomingMessage): void {
    // a name that leads here is another site's, that lets its pages ask us: DNS rebinding
    const names = [`127.0.0.1:${this.port}`, `localhost:${this.port}`];
    if (!names.includes(headers.host ?? '')) throw new Refusal(421, OTHER_ORIGIN);
    const origins = names.map((name) => `http://${name}`);
    if (headers.origin !== undefined && !origins.includes(headers.origin)) throw new Refusal(403, OTHER_ORIGIN);
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new Refusal(403, OTHER_ORIGIN);
    const token = new URLSearchParams(partsOf(url).query).get('token') ?? '';
    if (!timingSafeEqual(digest(token), this.#token))
      throw new Refusal(403, 'the token in the URL is missing, or wrong');
    if (headers.upgrade !== undefined) throw new Refusal(426, 'there is no websocket here');
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${partsOf(request.url).path}`) {
      case 'GET /':
        return send(response, 200, 'text/html; charset=utf-8', pageFile('page.html'));
      case 'GET /terminal.js':
        return send(response, 200, SCRIPT, pageFile('terminal.js'));
      case 'GET /events':
        response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
        return this.audience.join(response);
      case 'POST /act': {
        // a form of another site cannot have this type
        if (request.headers['content-type'] !== 'application/json') throw new Refusal(415, 'actions are JSON');
        const answer = await this.actions.act(JSON.parse(await bodyOf(request)));
        return send(response, 200, 'application/json', JSON.stringify(answer ?? {}));
      }
      default:
        throw new Refusal(404, 'there is no such page');
    }
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY) throw new Refusal(413, 'that is too long');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Splits what a request asks for. It is no URL: '//a/' is a path here. */
function partsOf(url = '/'): { path: string; query: string } {
  const [path = '', ...query] = url.split('?');
  return { path, query: query.join('?') };
}

/** Both sides get one length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
