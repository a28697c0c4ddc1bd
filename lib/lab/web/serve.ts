import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IothError } from '../../core/errors.js';
import { checkOptions, checkPort } from '../../core/validate.js';
import { stackInUse } from '../../node/current-stack.js';
import { Actions } from './actions.js';
import { Audience } from './audience.js';
import { Door } from './door.js';
import type { LabPage, ServeOptions } from './options.js';
import type { ShownLab } from './shown-lab.js';

const ADDRESS = '127.0.0.1';
const TOKEN_BYTES = 24;

/** Starts the server of a page. @throws {TypeError | RangeError} for an invalid port @throws {IothError} EADDRINUSE, EACCES */
export async function servePage(shown: ShownLab, options?: ServeOptions): Promise<LabPage> {
  const { port = 0 } = checkOptions(options, ['port']);
  checkPort('options.port', port);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const audience = new Audience(shown);
  const door = new Door(token, audience, new Actions(shown, audience));
  // on the machine, whatever stack the program has chosen
  const server = onMachine(() => createServer((request, response) => void door.serve(request, response)));
  await listening(server, port);
  const { port: chosen } = server.address() as AddressInfo;
  door.port = chosen;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= end(server, audience);
    return closing;
  };
  return {
    url: `http://${ADDRESS}:${chosen}/?token=${token}`,
    port: chosen,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function onMachine<T>(fn: () => T): T {
  return stackInUse.of() === undefined ? fn() : stackInUse.run(undefined, fn);
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    onMachine(() => server.listen(port, ADDRESS));
    await once(server, 'listening');
  } catch (cause) {
    const { code = 'ERR_IOTH_LAB' } = cause as NodeJS.ErrnoException;
    throw new IothError(code, { syscall: 'listen', address: ADDRESS, port, cause });
  }
}

async function end(server: Server, audience: Audience): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await audience.close();
  server.closeAllConnections();
  await closed;
}
